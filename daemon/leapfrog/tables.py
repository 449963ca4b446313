"""What the commands show to people as tables, from the same values that `--json` prints.

What only some tables need of the rooms of the house is loaded with these: `status` must answer at once.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from rich.table import Column, Table

from leapfrog.wording.text import byte_size, count, span

ID_LENGTH = 16  # people type ids after `retry`, so a table never shortens them
MINUTE_LENGTH = len("2026-11-28 19:15")
MOST_SHOWN = 3  # exams or ids that an action was about

Row = dict[str, Any]


def status(box_status: Row) -> Table:
    """`leapfrog status`."""
    title = f"{box_status['station']} (Leapfrog {box_status['version']})"
    table = Table("", Column(overflow="fold"), show_header=False, title=title)
    receiving = f"yes, as {box_status['ae_title']} on {box_status['address']}" if box_status["listening"] else "no"
    table.add_row("Receiving", receiving)
    table.add_row("Reading on", box_status["device"])
    table.add_row("Images", _counts_text(box_status["instances"]))
    printing = box_status["printing"]
    to_district = {state: total - printing["counts"][state] for state, total in box_status["deliveries"].items()}
    table.add_row("Deliveries", _counts_text(to_district))
    if any(box_status["commitments"].values()):
        table.add_row("Storage commitment", _counts_text(box_status["commitments"]))
    for name, text in (*_destination_rows(box_status["outbox"]), *_own_state_rows(box_status["own_state"])):
        table.add_row(name, text)
    if box_status["waiting"]:
        table.add_row("To be sent", _waiting_text(box_status["waiting"], box_status["outbox"]))
    if printing["printer"] or any(printing["counts"].values()):
        table.add_row("Printing", _printing_text(printing))
    if box_status["oldest_owed_seconds"] is not None:
        table.add_row("Oldest unsent", f"{span(box_status['oldest_owed_seconds']) or 'less than a minute'} old")
    table.add_row("Last confirmed", box_status["last_confirmed_at"] or "never")
    for disk in box_status["disks"]:
        table.add_row(f"Disk of {disk['name']}", _disk_text(disk))
    if (bundle := box_status["bundle"])["number"] is not None:
        table.add_row("Bundle", f"{bundle['number']}{', on trial' if bundle['on_trial'] else ''}")
    table.add_row("Reports", box_status["reports_dir"])
    if box_status["ignored_files"]:
        table.add_row("Ignored", f"{count(box_status['ignored_files'], 'non-image file')} in the watched folders")
    for refused in box_status["refused"]:
        exam = f" (exam {refused['exam_number']})" if refused["exam_number"] else ""
        if refused["destination"] not in ("", "district"):
            exam += f" by {refused['destination']}"
        table.add_row(f"Refused {refused['id']}{exam}", refused["reason"])
    if more := box_status["more"].get("refused"):
        table.add_row("", f"and {more:,} more refused: `leapfrog deliveries --state refused`")
    for problem in box_status["attention"]:
        table.add_row("Attention", _problem_text(problem))
    return table


def actions(rows: Iterable[Row]) -> Table:
    """`leapfrog actions`, newest first. What was noted before it was done, too, is one row: how it ended, with what was
    said of it before and after.
    """
    from leapfrog.state.actions.who import Who

    number, moment = Column("No.", justify="right"), Column("When", min_width=MINUTE_LENGTH, no_wrap=True)
    table = Table(number, moment, "Who", "What", Column("About", overflow="fold"), Column("", overflow="fold"))
    every = list(rows)
    said_before = {row["sequence"]: row["detail"] for row in every}
    ended = {row["begun"] for row in every}
    for row in every:
        if row["sequence"] in ended:
            continue
        detail = ". ".join(filter(None, (said_before.get(row["begun"], "").rstrip("."), row["detail"])))
        more = row["more"] + len(row["about"]) - MOST_SHOWN
        about = ", ".join(row["about"][:MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
        what = row["action"] if row["outcome"] == "done" else f"{row['action']}: {row['outcome']}"
        when = datetime.fromisoformat(row["at"]).astimezone().isoformat(" ", "minutes")[:MINUTE_LENGTH]
        table.add_row(str(row["sequence"]), when, Who.model_validate(row["who"]).in_words(), what, about, detail)
    return table


def to_forget(holdings: Row) -> Iterator[str]:
    """What `leapfrog forget` asks about."""
    images = count(holdings["images"], "image")
    yield f"{_exam_named(holdings)}, received on {_minute(holdings['received_at'])}: {images}."
    for name, kinds in holdings["owed"].items():
        yield f"Owed to {name}, which would be given up: {count(sum(kinds.values()), 'object')}."
    yield from _elsewhere(holdings)


def forgotten(done: Row) -> Iterator[str]:
    """What `leapfrog forget` did, and what it could not do."""
    yield f"{_exam_named(done)} is forgotten: {count(done['images'], 'image')}, with all that was made of them."
    for name, kinds in done["owed"].items():
        yield f"Given up, and owed to {name} no more: {count(sum(kinds.values()), 'object')}."
    if not done["report_taken_away"]:
        yield "Its report is taken away from the folder that staff open as soon as the daemon can write there."
    if done["reports_made_anew"]:
        yield f"Made anew, since they spoke of it: {count(done['reports_made_anew'], 'report')} of other exams."
    yield from _elsewhere(done)
    for path in done["kept_journals"]:
        yield f"{path} may still name it: delete that file when you do not need it."
    yield "Backups that you made before still hold it. To restore one on this box does not bring it back."


def _elsewhere(holdings: Row) -> Iterator[str]:
    """What others have of an exam, and who can do something about it."""
    for one in holdings["destinations"]:
        if one["confirmed"] or one["perhaps"]:
            perhaps = f", and perhaps {one['perhaps']:,} more" if one["perhaps"] else ""
            yield (
                f"At {one['name']}: {count(one['confirmed'], 'object')} confirmed{perhaps}."
                " Ask whoever runs it to delete them there."
            )
        if one["on_sticks"]:
            yield (
                f"On sticks for {one['name']}: {count(one['on_sticks'], 'object')}. They arrive there if that stick"
                " does: wipe it, or have them deleted there."
            )
    if holdings["sheets"]:
        yield f"On paper: {count(holdings['sheets'], 'sheet')}, printed or handed to the printer."
    if holdings["copies"]:
        yield f"On media that were made for the patient (`leapfrog export --exam`), by the log: {holdings['copies']:,}."
    for path in holdings["folder_files"]:
        yield f"The file that it came from may still be there: {path}"


def _exam_named(row: Row) -> str:
    return f"Exam {row['exam_number'] or row['study_key']}"


def _destination_rows(outbox: Row) -> Iterator[tuple[str, str]]:
    """One row as long as [district] is all that there is; else one for each destination, with what it was sent."""
    destinations = outbox["destinations"]
    if all(one["name"] == "district" and one["link"] not in ("none", "stick") for one in destinations):
        yield "District", _outbox_text(outbox) + "".join(_sticks_text(one["sticks"]) for one in destinations)
        return
    if not outbox["configured"]:
        yield "District", outbox["explanation"]
    for one in destinations:
        oldest = one["oldest_owed_seconds"]
        unsent = "" if oldest is None else f"\nOldest unsent {span(oldest) or 'less than a minute'} old."
        confirmed = one["last_confirmed_at"]
        last = f" Last confirmed {_minute(confirmed)}." if confirmed else ""
        link = one["explanation"] if one["link"] == "none" else _outbox_text(one)
        text = f"{link}\n{_counts_text(one['deliveries'])}.{unsent}{last}{_sticks_text(one['sticks'])}"
        yield ("District" if one["name"] == "district" else f"To {one['name']}"), text


def _outbox_text(outbox: Row) -> str:
    text, wait = f"{outbox['link']}: {outbox['explanation']}", outbox["next_attempt_in_seconds"]
    return f"{text}\nNext try in {span(wait)}; `leapfrog sync` tries at once." if wait and wait >= 60 else text


def _own_state_rows(own_state: Row | None) -> Iterator[tuple[str, str]]:
    """Whether the district has what this box says of itself; nothing where it is not to have it."""
    if own_state is None:
        return
    sent = f"sent {_minute(own_state['sent_at'])}" if own_state["sent_at"] else "not sent yet since the start"
    yield "State to district", f"{sent}. {own_state['last_error']}" if own_state["last_error"] else sent


def _sticks_text(sticks: Row | None) -> str:
    """When a stick was last written, and what of it nobody has confirmed. Nothing where none ever was."""
    if sticks is None or not sticks["last_written_at"]:
        return ""
    from leapfrog.state.sending.exported import MOST_COUNTED

    receipt = f", last receipts {_minute(sticks['last_receipt_at'])}" if sticks["last_receipt_at"] else ""
    more = " or more" if sticks["unconfirmed"] >= MOST_COUNTED else ""
    return (
        f"\nLast stick written {_minute(sticks['last_written_at'])}{receipt}; on sticks and not confirmed:"
        f" {count(sticks['unconfirmed'], 'object')}{more}."
    )


def _waiting_text(waiting: list[Row], outbox: Row) -> str:
    """A line for each destination, with its name if there are others, to which nothing may be owed."""
    states = {state["name"]: state for state in outbox["destinations"]}
    names = list(dict.fromkeys(owed["destination"] for owed in waiting))
    lines = []
    for name in names:
        kinds = [owed for owed in waiting if owed["destination"] == name]
        text = ", ".join(f"{_kind_text(owed)} ({_size(owed['byte_count'])})" for owed in kinds)
        begin = f"{name}: " if len({*names, *states}) > 1 else ""
        lines.append(f"{begin}{text}{_time_left_text(states.get(name))}")
    return "\n".join(lines)


def _kind_text(owed: Row) -> str:
    return count(owed["total"], owed["kind"].replace("_", " ").replace("pdf", "PDF"))


def _time_left_text(state: Row | None) -> str:
    if state is None or state["seconds_left"] is None or state["bytes_per_second"] is None:
        return ""
    left = span(state["seconds_left"])
    return f"; {f'about {left}' if left else 'less than a minute'} at {state['bytes_per_second'] / 1000:,.1f} kB/s"


def _size(byte_count: int) -> str:
    return f"{byte_count / 1000:,.0f} kB" if byte_count < 1_000_000 else byte_size(byte_count)


def _printing_text(printing: Row) -> str:
    last = f"\nLast printed {_minute(printing['last_printed_at'])}." if printing["last_printed_at"] else ""
    printer = f"{printing['printer']}: " if printing["printer"] else ""
    return f"{printer}{printing['explanation']}\n{_counts_text(printing['counts'])}{last}"


def _disk_text(disk: Row) -> str:
    if disk["error"]:
        return f"{disk['error']} ({disk['path']})"
    days = disk["days_left"]
    left = f", full in about {days:.0f} days at this rate" if days is not None and days < 1000 else ""
    return f"{byte_size(disk['free_bytes'])} free of {byte_size(disk['total_bytes'])}{left}"


def _problem_text(problem: Row) -> str:
    since = f" (since {_minute(problem['since'])})" if problem["since"] else ""
    remedy = f"\n-> {problem['remedy']}" if problem["remedy"] else ""
    return f"{problem['what']}{since}{remedy}"


def _counts_text(counts: dict[str, int]) -> str:
    return ", ".join(f"{total} {state.replace('_', ' ')}" for state, total in counts.items() if total) or "none"


def instances(rows: list[Row]) -> Iterator[Table | str]:
    """`leapfrog instances`."""
    table = Table(
        Column("Id", no_wrap=True, width=ID_LENGTH),
        Column("Exam", no_wrap=True),
        "State",
        "Received",
        Column("Source", overflow="fold"),
        Column("Reason", overflow="fold"),
    )
    for row in _listed(rows):
        state, received = row["state"].replace("_", " "), _minute(row["received_at"])
        table.add_row(row["id"], row["exam_number"], state, received, row["source"], row["reason"])
    yield table
    yield from _rest(rows)


def deliveries(rows: list[Row]) -> Iterator[Table | str]:
    """`leapfrog deliveries`."""
    table = Table(
        Column("Id", no_wrap=True, width=ID_LENGTH),
        Column("Exam", no_wrap=True),
        "What",
        "To",
        "State",
        "Tries",
        "Bytes",
        "Last problem",
    )
    for row in _listed(rows):
        kind, size = row["kind"].replace("_", " "), f"{row['byte_count']:,}"
        to = row["destination"] or "printer"
        tries = str(row["attempts"])
        table.add_row(row["id"], row["exam_number"], kind, to, row["state"], tries, size, row["last_error"])
    yield table
    yield from _rest(rows)


def models(packages: Iterable[Row]) -> Table:
    """`leapfrog models list`."""
    table = Table("Name", "Version", "Task", "Demonstration", "Verified", "Signature", "Folder")
    for row in packages:
        table.add_row(
            row["name"],
            row["version"],
            row["task"],
            "yes" if row["demonstration"] else "no",
            "yes" if row["verified"] else f"NO: {row['reason']}",
            row["signature"],
            row["path"],
        )
    return table


def _listed(rows: list[Row]) -> list[Row]:
    return [row for row in rows if "more" not in row]


def _rest(rows: list[Row]) -> list[str]:
    return [f"and {row['more']:,} more: --limit shows them" for row in rows if "more" in row]


def _minute(moment: str) -> str:
    return moment[:MINUTE_LENGTH].replace("T", " ")
