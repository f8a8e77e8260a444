"""The hook's command on a device: it has nothing of the daemon's protection."""

import pytest
from target.guest import Boot


@pytest.mark.target
def test_a_command_is_run_unprotected_by_a_daemon_that_stays_protected(boot: Boot) -> None:
    """Neither score nor locks go along, to what it starts either; its end is seen to."""
    # The root of an initramfs is for all to write to where its archive does not say otherwise.
    result = boot(
        "chmod 755 /; python3 -m target.inside.hook || exit\nps -o pid,stat,args >/out/ps"
    )
    good, endless, held = result.events
    assert good["why"] == [None, None]
    assert good["problems"] == []
    assert good["score"] == "-900"
    assert good["still_locked"]
    assert endless == {
        "problems": [["hook", "/etc/hook: stopped after 3 s"]],
        "runs": 2,
        "failed": 1,
    }
    ((what, why),) = held["problems"]
    assert (what, held["runs"], held["suppressed"]) == ("hook", 2, 1)
    assert why.startswith("held back: ")
    assert why.endswith(f" of {1 << 40} blocks of order 2 that a start must find")
    told = result.text("hook").split("\n")
    nothing = ["0", "0", "VmLck:\t       0 kB"]
    assert told == [*nothing, "ok critical", *nothing, "critical ok", ""]
    assert "sleep" not in result.text("ps")
    assert " Z " not in result.text("ps")
