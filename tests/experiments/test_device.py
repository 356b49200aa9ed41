"""A device that is planned for is one of two."""

import pytest

from radexp.errors import UsageError
from radexp.experiments.device import DEVICE_VARIABLE, choose_device


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda"])
@pytest.mark.parametrize("value", ["", "meta", "cuda:1"])
def test_other_devices_are_not_planned_for(monkeypatch, name, value):
    monkeypatch.setenv(DEVICE_VARIABLE, value)
    with pytest.raises(UsageError) as error:
        choose_device(name)
    assert str(error.value) == (
        f"RADEXP_DEVICE={value}: allowed is cpu or cuda; unset RADEXP_DEVICE"
    )
