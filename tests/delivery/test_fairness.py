"""Whose turn it is."""

from uuid import UUID

from app.delivery.fairness import Rota, Turn


def turn(school: int, campaign: int, *, operational: bool = False) -> Turn:
    return Turn(UUID(int=school), UUID(int=campaign), operational)


def serve(rota: Rota, times: int) -> list[int]:
    """Return the campaigns served next, as their small numbers."""
    turns = [rota.next() for _ in range(times)]
    return [each.campaign_id.int for each in turns if each is not None]


def test_operational_mail_goes_first_and_among_itself_in_turn() -> None:
    rota = Rota()
    rota.refresh([turn(1, 10), turn(2, 20, operational=True), turn(3, 30, operational=True), turn(3, 31)])
    assert serve(rota, 4) == [20, 30, 20, 30]


def test_schools_take_turns_whatever_the_number_of_their_campaigns() -> None:
    rota = Rota()
    rota.refresh([turn(1, 10), turn(1, 11), turn(1, 12), turn(2, 20)])
    assert serve(rota, 6) == [10, 20, 11, 20, 12, 20]


def test_a_refresh_does_not_start_over() -> None:
    rota, served = Rota(), []
    for _ in range(6):
        rota.refresh([turn(1, 10), turn(1, 11), turn(2, 20), turn(3, 30)])
        served += serve(rota, 1)
    assert served == [10, 20, 30, 11, 20, 30]


def test_a_campaign_that_comes_later_waits_for_no_more_than_one_round() -> None:
    rota = Rota()
    rota.refresh([turn(1, 10), turn(2, 20)])
    serve(rota, 9)
    rota.refresh([turn(1, 10), turn(2, 20), turn(3, 30)])
    assert 30 in serve(rota, 3)


def test_what_is_dropped_is_passed_over_until_the_next_refresh() -> None:
    rota = Rota()
    due = [turn(1, 10), turn(1, 11), turn(2, 20)]
    rota.refresh(due)
    rota.drop(due[2])
    rota.drop(due[0])
    rota.drop(due[0])
    assert serve(rota, 3) == [11, 11, 11]
    rota.drop(due[1])
    assert rota.next() is None
    assert not rota
    rota.refresh(due)
    assert set(serve(rota, 4)) == {10, 11, 20}


def test_operational_mail_that_was_dropped_lets_the_others_go_on() -> None:
    rota = Rota()
    urgent = turn(1, 10, operational=True)
    rota.refresh([urgent, turn(2, 20)])
    assert serve(rota, 1) == [10]
    rota.drop(urgent)
    assert serve(rota, 2) == [20, 20]
