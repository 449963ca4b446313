"""All that is asked of districts together."""

from leapfrog.outbox.answers.inquiries import Inquiries
from leapfrog.outbox.pacing.precedence import Precedence
from leapfrog.outbox.pacing.schedule import SyncWindows
from leapfrog.outbox.pacing.throttle import Throttle
from leapfrog.settings import DestinationSettings, Settings
from leapfrog.state.answers import ListedDocument
from support.answers_box import AnswersBox


def test_an_answer_for_another_patient_is_told_of_once_however_many_districts_are_asked(box: AnswersBox) -> None:
    districts = tuple(
        DestinationSettings(name=name, url="http://127.0.0.1:9/x", fetch_reports=True) for name in ("near", "far")
    )
    settings = Settings.model_validate({"station": {"state_dir": box.state_dir}, "destination": districts})
    inquiries = Inquiries(
        settings,
        box.journal,
        box.rendered,
        box.told.append,
        SyncWindows((), lambda: None),
        Throttle(0, lambda seconds: None),
        Precedence(),
    )
    exam = box.sent_exam(destination="near")
    listed = ListedDocument(sop_class_uid="1.2", sop_instance_uid="1.2.3", series_instance_uid="1.2.4")
    box.answers.looked_through("near", exam.key, [listed], 2)
    [found] = box.answers.to_fetch("near")
    box.answers.examined(found.id, "another_patient")
    assert len(inquiries.inquirers) == 2
    assert len(inquiries.problems()) == 1
