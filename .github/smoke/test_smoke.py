"""The test that every system and every Python has to pass; the whole suite runs on Linux."""


def test_an_export_has_rows(labelbox_mock):
    assert labelbox_mock.expected_rows("image")


def test_time_passes_on_request(labelbox_mock):
    labelbox_mock.clock.freeze()
    before = labelbox_mock.clock.now
    assert labelbox_mock.clock.advance(days=1) > before


def test_people_work(labelbox_mock):
    assert labelbox_mock.simulate(days=1)["events"]
