"""Answers of servers, and of what stands before them, that no client expects. Each is a whole exchange in bytes."""

import gzip

from support.recording_proxy import RawAnswer

JSON = b"Content-Type: application/dicom+json\r\n"
XML = b"Content-Type: application/dicom+xml\r\n"
DEEP = 100_000


def _answer(body: bytes, head: bytes = JSON, status: bytes = b"200 OK") -> RawAnswer:
    return RawAnswer((b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, head, len(body), body),))


def _failed(reason: bytes) -> bytes:
    item = b'{"00081155": {"vr": "UI", "Value": ["1.2"]}, "00081197": {"vr": "US", "Value": [%s]}}' % reason
    return b'{"00081198": {"vr": "SQ", "Value": [%s]}}' % item


ODD_ANSWERS: dict[str, RawAnswer] = {
    "a failure reason of 5,000 digits": _answer(_failed(b"9" * 5000)),
    "a failure reason of 5,000 digits as text": _answer(_failed(b'"' + b"9" * 5000 + b'"')),
    "a failure reason in Arabic digits": _answer(_failed('"٣٤"'.encode())),
    "a failure reason that is infinite": _answer(_failed(b"Infinity")),
    "XML nested 100,000 deep": _answer(
        b'<NativeDicomModel><DicomAttribute tag="00081198">' + b"<Item>" * DEEP + b"</Item>" * DEEP
        + b"</DicomAttribute></NativeDicomModel>", XML,
    ),
    "XML nested 100,000 deep and not closed": _answer(b"<NativeDicomModel>" + b"<Item>" * DEEP, XML),
    "XML with entities that expand": _answer(
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><NativeDicomModel>&b;</NativeDicomModel>',
        XML,
    ),
    "XML in an unknown charset": _answer(b'<?xml version="1.0" encoding="klingon"?><NativeDicomModel/>', XML),
    "XML in utf-7": _answer(b'<?xml version="1.0" encoding="utf-7"?><NativeDicomModel/>', XML),
    "XML with a tag of no attribute": _answer(b"<NativeDicomModel><Value/><Item/></NativeDicomModel>", XML),
    "JSON nested 100,000 deep": _answer(b"[" * DEEP),
    "JSON objects nested 100,000 deep": _answer(b'{"00081198":' * DEEP),
    "JSON with lone surrogates": _answer(b'{"00081199": {"Value": [{"00081155": {"Value": ["\\ud800"]}}]}}'),
    "JSON in an unknown charset": _answer(b'[{"\xff": 1}]', b"Content-Type: text/json; charset=klingon\r\n"),
    "JSON in utf-7": _answer(b"+AFsAXQ-", b"Content-Type: application/dicom+json; charset=utf-7\r\n"),
    "JSON cut off": _answer(b'[{"00080018": {"vr": "UI", "Value": ['),
    "multipart without an end": _answer(b"--b\r\n\r\n<NativeDicomModel>", b"Content-Type: multipart/related\r\n"),
    "multipart within multipart": _answer(b"--b\r\n\r\n" * 1000 + b"\r\n--b--", b"Content-Type: multipart/related\r\n"),
    "a Location without a host": _answer(b"", b"Location: http://\r\n", b"302 Found"),
    "a Location in half an IPv6 address": _answer(b"", b"Location: http://[::1\r\n", b"302 Found"),
    "a Location that is no text": _answer(b"", b"Location: http://\xff\xfe.\x80/\r\n", b"307 Temporary Redirect"),
    "a Location of a huge port": _answer(b"", b"Location: http://h:99999999999/\r\n", b"302 Found"),
    **{
        f"Retry-After: {text.decode()[:40]}": _answer(b"", b"Retry-After: " + text + b"\r\n", b"503 Busy")
        for text in (
            b"-5", b"inf", b"nan", b"9" * 5000, b"Sat, 28 Nov 2026 10:00:00 +9900", b"Sat, 28 Nov 99999 10:00:00 GMT",
            b"Sat, 28 Nov 2026 10:00:00", b"1e999",
        )
    },
    "a chunk of -5 bytes": RawAnswer((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhi\r\n0\r\n\r\n",)),
    "a chunk of -1 byte": RawAnswer((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n",)),
    "a chunk of words": RawAnswer((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n",)),
    "a chunk of more bytes than there are": RawAnswer(
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\nhello",)
    ),
    "a Content-Length of -5": RawAnswer((b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",)),
    "a Content-Length of words": RawAnswer((b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello",)),
    "two Content-Lengths": RawAnswer((b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n[]",)),
    "more body than announced": RawAnswer((b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[][][][]",)),
    "no status": RawAnswer((b"hello\r\n\r\n",)),
    "a status of words": RawAnswer((b"HTTP/1.1 fine\r\n\r\n",)),
    "a status of 5,000 digits": RawAnswer((b"HTTP/1.1 " + b"9" * 5000 + b" fine\r\n\r\n",)),
    "a status of 999": _answer(b"[]", status=b"999 Odd"),
    "another protocol": RawAnswer((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",)),
    "nothing at all": RawAnswer(()),
    "an interim answer and nothing more": RawAnswer((b"HTTP/1.1 103 Early Hints\r\n\r\n",)),
    "an interim answer, then an answer": RawAnswer(
        (b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",)
    ),
    "another protocol from now on": RawAnswer((b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: ws\r\n\r\n",)),
    "a line of headers that does not end": RawAnswer((b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,)),
    "a header without a name": RawAnswer((b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 2\r\n\r\n[]",)),
    "headers of other bytes": RawAnswer((b"HTTP/1.1 200 OK\r\n\xff\xfe: \x00\x01\r\nContent-Type: \xff\r\n\r\n[{",)),
    "a compression that is unknown": _answer(b"[]", b"Content-Encoding: zebra\r\n"),
    "a body that is not what it is compressed with": _answer(b"[]", b"Content-Encoding: gzip\r\n"),
    "a gzip bomb": _answer(gzip.compress(bytes(200_000_000), 9), b"Content-Encoding: gzip\r\n"),
    "cookies that are none": _answer(b"[", b"Set-Cookie: \xff=;;;=\x00; expires=never; domain=..\r\n"),
}  # fmt: skip

# These do not end by themselves: each has to be ended by a bound of time or bytes.
ENDLESS_ANSWERS: dict[str, RawAnswer] = {
    "headers without end": RawAnswer((b"HTTP/1.1 200 OK\r\n", *(b"X-%d: x\r\n" % i for i in range(90))), endless=True),
    "interim answers without end": RawAnswer((b"HTTP/1.1 100 Continue\r\n\r\n" * 100,), endless=True),
    "interim answers without end, slowly": RawAnswer((b"HTTP/1.1 100 Continue\r\n\r\n",), 0.02, endless=True),
    "a body without end": RawAnswer((b"HTTP/1.1 200 OK\r\n\r\n", b"[" * 65_536), endless=True),
    "chunks without end": RawAnswer(
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"5\r\nhello\r\n"] * 10_000), endless=True
    ),
    "a chunk of -1 byte without end": RawAnswer(
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", b"x" * 65_536), endless=True
    ),
    "a status line by the byte": RawAnswer(tuple(b"HTTP/1.1 200 OK"[i : i + 1] for i in range(15)), 0.1, endless=True),
    "headers by the byte": RawAnswer((b"HTTP/1.1 200 OK\r\nX: ", *[b"x"] * 1000), 0.1, endless=True),
    "a body by the byte": RawAnswer((b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", *[b"["] * 1000), 0.1),
    "chunks by the byte": RawAnswer(
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\n[\r\n"] * 1000), 0.1
    ),
}
