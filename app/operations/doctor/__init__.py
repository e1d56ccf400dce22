"""`campaigns doctor`: is everything as it should be, and if not, what is to be done?"""
