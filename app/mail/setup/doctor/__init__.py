"""`campaigns aws doctor`: would mail go out, and would SES's word of it come back?"""
