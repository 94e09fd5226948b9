"""Which configuration a pull request is reviewed with, and what its own would do."""

from __future__ import annotations

from desk import RATES_BAD, REPOSITORY, Desk

ORG = "acme/.github"


def opened(desk: Desk, **files: str) -> None:
    desk.open({"shop/rates.py": RATES_BAD, **files}, by="alice")
    desk.review()


def summary(desk: Desk) -> str:
    return str(desk.check()["output"]["summary"])


def give_organisation(desk: Desk, text: str) -> None:
    desk.github.create_repository(ORG)
    desk.github.commit(ORG, "main", {"stet.toml": text})
    repository = desk.github.state.repository("acme", ".github")
    assert repository is not None
    desk.github.change_repositories(desk.installation, add=[ORG])


def test_the_file_of_the_organisation_holds_in_every_repository(desk: Desk) -> None:
    give_organisation(desk, '[check]\nfail_on = "warning"\n')
    opened(desk)

    assert desk.check()["conclusion"] == "failure"
    assert "configuration: the organisation" in summary(desk)


def test_the_repository_has_the_last_word(desk: Desk) -> None:
    give_organisation(desk, '[check]\nfail_on = "warning"\nname = "House rules"\n')
    desk.github.commit(REPOSITORY, "main", {".stet.toml": '[check]\nfail_on = "never"\n'})
    opened(desk)

    assert desk.check()["conclusion"] == "success"
    assert desk.check()["name"] == "House rules"
    assert "configuration: .stet.toml of main over the organisation" in summary(desk)


def test_an_organisation_without_a_file_costs_nothing_twice(desk: Desk) -> None:
    opened(desk)
    calls = desk.review()

    assert not [each for each in calls if ".github" in each.path]


def test_a_folder_leaves_a_rule_out_for_itself(desk: Desk) -> None:
    desk.github.commit(REPOSITORY, "main", {"shop/.stet.toml": '[rules]\nignore = ["SEC124"]\n'})
    opened(desk, **{"tools.py": RATES_BAD})

    assert [each["path"] for each in desk.comments()] == ["tools.py"]
    assert "1 folder" in summary(desk)


def test_a_folder_of_the_head_has_no_say(desk: Desk) -> None:
    opened(desk, **{"shop/.stet.toml": '[rules]\nignore = ["SEC124"]\n'})

    assert len(desk.comments()) == 1


def test_a_configuration_that_the_change_brings_is_shown_and_does_not_count(desk: Desk) -> None:
    opened(desk, **{".stet.toml": '[rules]\nignore = ["SEC124"]\n'})

    assert len(desk.comments()) == 1
    assert "there would be 0 findings here instead of 1" in summary(desk)


def test_a_mistake_in_the_configuration_that_the_change_brings_is_marked_there(desk: Desk) -> None:
    opened(desk, **{".stet.toml": "version = 1\nprofil = 'strict'\n"})

    run = desk.github.state.check_runs[int(desk.check()["id"])]
    assert [(a["path"], a["start_line"]) for a in run.annotations] == [(".stet.toml", 2)]
    assert "did you mean `profile`?" in summary(desk)
    assert desk.check()["conclusion"] == "success"


def test_a_pattern_that_is_not_used_is_named_and_the_rest_of_its_file_holds(desk: Desk) -> None:
    own = '[review]\nmax_inline = 0\nexclude = ["*a*b*c*d"]\n'
    folder = 'exclude = ["**/x/**/y/**/z/**"]\n'
    desk.github.commit(REPOSITORY, "main", {".stet.toml": own, "shop/.stet.toml": folder})
    opened(desk)

    assert desk.comments() == []
    assert "the pattern `*a*b*c*d` matches nothing: a part of it has more than 3" in summary(desk)
    assert "`shop/.stet.toml:1` the pattern `/shop/**/x/" in summary(desk)
    assert desk.check()["conclusion"] == "neutral"
    desk.ask("/stet config", by="alice")
    assert "the pattern `*a*b*c*d` matches nothing" in desk.answers()[-1]
