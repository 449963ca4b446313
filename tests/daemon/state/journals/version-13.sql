BEGIN TRANSACTION;
CREATE TABLE answer_places (
    answer_id           TEXT NOT NULL REFERENCES answers (id) ON DELETE CASCADE,
    destination         TEXT NOT NULL,
    missing             INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (answer_id, destination)
) STRICT, WITHOUT ROWID;
INSERT INTO "answer_places" VALUES('aaaaaaaaaaaaaaaa','district',0);
CREATE TABLE answer_questions (
    sequence            INTEGER PRIMARY KEY,
    study_key           TEXT NOT NULL REFERENCES studies (key) ON DELETE CASCADE,
    destination         TEXT NOT NULL,
    asked               INTEGER NOT NULL DEFAULT 0,    -- how often
    asked_at            REAL NOT NULL,                 -- seconds since 1970, by the clock of then
    held                INTEGER,                       -- instances there when all were looked at; NULL before
    over                INTEGER NOT NULL DEFAULT 0,    -- 1: it is not asked about any more
    UNIQUE (study_key, destination)
) STRICT;
INSERT INTO "answer_questions" VALUES(1,'bdb12dc73e18c590','district',0,0.0,NULL,0);
CREATE TABLE answers (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT NOT NULL UNIQUE,
    study_key           TEXT NOT NULL REFERENCES studies (key) ON DELETE CASCADE,
    state               TEXT NOT NULL DEFAULT 'listed' CHECK (state IN
                            ('listed', 'fetched', 'shown', 'another_patient', 'unsure_patient', 'no_answer', 'unreadable')),
    sop_class_uid       TEXT NOT NULL,
    sop_instance_uid    TEXT NOT NULL,
    series_instance_uid TEXT NOT NULL,
    received_at         TEXT NOT NULL,                 -- local ISO time, for people
    byte_count          INTEGER NOT NULL DEFAULT 0,
    file_digest         TEXT NOT NULL DEFAULT '',
    attempts            INTEGER NOT NULL DEFAULT 0,    -- to fetch it; once it is here, to examine it
    judgement           TEXT NOT NULL DEFAULT '',      -- what kind of document it is
    content             TEXT NOT NULL DEFAULT '',      -- JSON of Document, of one that is shown
    last_error          TEXT NOT NULL DEFAULT '',
    UNIQUE (study_key, sop_instance_uid)
) STRICT;
INSERT INTO "answers" VALUES(1,'aaaaaaaaaaaaaaaa','735fc5017f1cd8e7','no_answer','1.2.840.10008.5.1.4.1.1.88.11','2.25.77','2.25.78','2026-11-29T10:00:00+00:00',0,'',0,'by a device','','');
CREATE TABLE asked_promises (
    transaction_uid     TEXT NOT NULL,
    delivery_id         TEXT NOT NULL REFERENCES handed_over (delivery_id) ON DELETE CASCADE,
    PRIMARY KEY (transaction_uid, delivery_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "asked_promises" VALUES('2.25.11','fcaf0bf3cae560c5');
CREATE TABLE commitments (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT NOT NULL UNIQUE,
    ae_title            TEXT NOT NULL,                 -- the modality's, as it calls itself
    address             TEXT NOT NULL,                 -- from which it asked
    transaction_uid     TEXT NOT NULL,
    named               TEXT NOT NULL,                 -- JSON: [SOP Class UID, SOP Instance UID] of each reference
    named_count         INTEGER NOT NULL,
    state               TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'given_up')),
    requested_at        TEXT NOT NULL,                 -- local ISO time, for people
    failures            INTEGER NOT NULL DEFAULT 0,    -- in a row, to tell it
    waited_seconds      REAL NOT NULL DEFAULT 0,       -- while the box ran
    last_error          TEXT NOT NULL DEFAULT '',
    UNIQUE (ae_title, transaction_uid)
) STRICT;
INSERT INTO "commitments" VALUES(1,'cccccccccccccccc','CR1','10.0.0.7','2.25.900','[["1.2.840.10008.5.1.4.1.1.1","2.25.1"]]',1,'waiting','2026-11-29T10:00:00+00:00',0,0.0,'');
CREATE TABLE counts (
    what                TEXT NOT NULL,
    state               TEXT NOT NULL,
    total               INTEGER NOT NULL,
    PRIMARY KEY (what, state)
) STRICT, WITHOUT ROWID;
INSERT INTO "counts" VALUES('deliveries','confirmed',1);
INSERT INTO "counts" VALUES('deliveries','dismissed',0);
INSERT INTO "counts" VALUES('deliveries','refused',1);
INSERT INTO "counts" VALUES('deliveries','superseded',0);
INSERT INTO "counts" VALUES('deliveries','waiting',5);
INSERT INTO "counts" VALUES('instances','forward_only',0);
INSERT INTO "counts" VALUES('instances','read',1);
INSERT INTO "counts" VALUES('instances','received',5);
INSERT INTO "counts" VALUES('instances','set_aside',1);
INSERT INTO "counts" VALUES('prints','confirmed',1);
INSERT INTO "counts" VALUES('prints','dismissed',0);
INSERT INTO "counts" VALUES('prints','refused',0);
INSERT INTO "counts" VALUES('prints','superseded',0);
INSERT INTO "counts" VALUES('prints','waiting',0);
CREATE TABLE declined_syntaxes (
    destination         TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    setting             TEXT NOT NULL,                 -- what the settings said then of what it takes
    declined_on         TEXT NOT NULL,                 -- YYYY-MM-DD
    PRIMARY KEY (destination, transfer_syntax_uid)
) STRICT, WITHOUT ROWID;
INSERT INTO "declined_syntaxes" VALUES('district','1.2.840.10008.1.2.4.80','dicomweb https://district.example','2026-11-29');
CREATE TABLE "deliveries" (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT NOT NULL UNIQUE,
    kind                TEXT NOT NULL
                        CHECK (kind IN ('original', 'report_pdf', 'overlay', 'structured_report', 'segmentation',
                            'preview', 'print')),
    destination         TEXT NOT NULL DEFAULT 'district',  -- its name in the settings; '' of a print
    study_key           TEXT NOT NULL REFERENCES studies (key),
    instance_id         TEXT REFERENCES instances (id),
    state               TEXT NOT NULL DEFAULT 'waiting'
                        CHECK (state IN ('waiting', 'confirmed', 'refused', 'superseded', 'dismissed')),
    sop_class_uid       TEXT NOT NULL,
    sop_instance_uid    TEXT,                          -- NULL of a print, whose class is ''
    spool_name          TEXT,                          -- NULL as long as it must not be sent yet
    byte_count          INTEGER NOT NULL DEFAULT 0,
    urgent              INTEGER NOT NULL DEFAULT 0,
    posted              INTEGER NOT NULL DEFAULT 0,    -- 1: sent without a clear answer; ask before sending again
    attempts            INTEGER NOT NULL DEFAULT 0,
    last_error          TEXT NOT NULL DEFAULT '',
    created_at          TEXT NOT NULL,
    ended_at            TEXT,
    file_digest         TEXT NOT NULL DEFAULT '',      -- of the spool file's content, once a reader has written it
    failures            INTEGER NOT NULL DEFAULT 0,    -- in a row, over this very delivery; 0 = in its first turn
    due_at              REAL NOT NULL DEFAULT 0,       -- not before; on the monotonic clock of the process that runs
    renamed             INTEGER NOT NULL DEFAULT 0,    -- 1: the file holds another UID, and gets this one as it is sent
    -- What is worth most goes first. Of results the newest, of originals the one that has waited for longest.
    rank                INTEGER NOT NULL GENERATED ALWAYS AS (
                            CASE kind WHEN 'structured_report' THEN iif(urgent, 0, 2)
                            WHEN 'report_pdf' THEN iif(urgent, 1, 3) WHEN 'preview' THEN 4 WHEN 'segmentation' THEN 5
                            WHEN 'overlay' THEN 6 WHEN 'original' THEN iif(urgent, 7, 8) ELSE 9 END) VIRTUAL,
    place               INTEGER NOT NULL GENERATED ALWAYS AS (iif(kind = 'original', sequence, -sequence)) VIRTUAL
) STRICT;
INSERT INTO "deliveries" VALUES(1,'9cb632da91551d33','original','district','bdb12dc73e18c590','0000000000000001','confirmed','1.2.840.10008.5.1.4.1.1.1','2.25.1','0000000000000001.dcm',1001,1,0,1,'','2026-11-28T11:34:21+00:00','2026-11-28T11:34:21+00:00','0000000000000000000000000000000000000000000000000000000000000001',0,0.0,0);
INSERT INTO "deliveries" VALUES(2,'8f2428e8ca836c50','original','district','bdb12dc73e18c590','0000000000000002','refused','1.2.840.10008.5.1.4.1.1.1','2.25.2','0000000000000002.dcm',1002,1,0,1,'The district server refused the instance.','2026-11-28T11:34:21+00:00','2026-11-28T11:34:21+00:00','',0,0.0,0);
INSERT INTO "deliveries" VALUES(3,'fcaf0bf3cae560c5','original','district','d32a4b2690e07004','0000000000000003','waiting','1.2.840.10008.5.1.4.1.1.1','2.25.3','0000000000000003.dcm',1003,0,0,0,'','2026-11-28T11:34:21+00:00',NULL,'0000000000000000000000000000000000000000000000000000000000000003',0,0.0,0);
INSERT INTO "deliveries" VALUES(4,'07740e67ae798d7a','original','district','d32a4b2690e07004','0000000000000004','waiting','1.2.840.10008.5.1.4.1.1.1','2.25.4','0000000000000004.dcm',1004,0,0,0,'','2026-11-28T11:34:21+00:00',NULL,'',0,0.0,0);
INSERT INTO "deliveries" VALUES(5,'a99522ab8f9df786','original','district','d32a4b2690e07004','0000000000000005','waiting','1.2.840.10008.5.1.4.1.1.1','2.25.5','0000000000000005.dcm',1005,0,0,0,'','2026-11-28T11:34:21+00:00',NULL,'0000000000000000000000000000000000000000000000000000000000000005',0,0.0,0);
INSERT INTO "deliveries" VALUES(6,'a3a76007d8996d42','original','district','735fc5017f1cd8e7','0000000000000006','waiting','1.2.840.10008.5.1.4.1.1.1','2.25.600',NULL,1006,0,0,0,'','2026-11-28T11:34:21+00:00',NULL,'',0,0.0,1);
INSERT INTO "deliveries" VALUES(7,'dddddddddddddddd','report_pdf','district','bdb12dc73e18c590',NULL,'waiting','1.2.840.10008.5.1.4.1.1.104.1','2.25.77','dddd.dcm',5,1,0,0,'','2026-11-28T11:34:21+00:00',NULL,'0000000000000000000000000000000000000000000000000000000000000007',0,0.0,0);
INSERT INTO "deliveries" VALUES(8,'00000000000000d8','print','','bdb12dc73e18c590',NULL,'confirmed','',NULL,NULL,0,0,0,0,'','2026-01-02T00:00:00+00:00','2026-01-02T00:01:00+00:00','',0,0.0,0);
CREATE TABLE delivery_totals (
    destination         TEXT NOT NULL,
    kind                TEXT NOT NULL,
    state               TEXT NOT NULL,
    total               INTEGER NOT NULL,
    byte_count          INTEGER NOT NULL,
    PRIMARY KEY (destination, kind, state)
) STRICT, WITHOUT ROWID;
INSERT INTO "delivery_totals" VALUES('','print','confirmed',1,0);
INSERT INTO "delivery_totals" VALUES('district','original','confirmed',1,1001);
INSERT INTO "delivery_totals" VALUES('district','original','refused',1,1002);
INSERT INTO "delivery_totals" VALUES('district','original','waiting',4,4018);
INSERT INTO "delivery_totals" VALUES('district','report_pdf','waiting',1,5);
CREATE TABLE destinations (
    name                TEXT PRIMARY KEY,
    kinds               TEXT,                          -- a JSON list; NULL: the settings have it no more
    rules               TEXT NOT NULL DEFAULT '',      -- which exams it gets, as JSON; '': every one
    exams_after         INTEGER NOT NULL DEFAULT 0     -- it gets what is of instances with larger sequence numbers
) STRICT, WITHOUT ROWID;
INSERT INTO "destinations" VALUES('district','["original", "report_pdf"]','',0);
CREATE TABLE encodings (
    id                  TEXT PRIMARY KEY,              -- ours; names the spool file
    sop_instance_uid    TEXT NOT NULL,                 -- under which the object is owed
    transfer_syntax_uid TEXT NOT NULL,
    state               TEXT NOT NULL DEFAULT 'wanted' CHECK (state IN ('wanted', 'ready', 'as_it_came')),
    attempts            INTEGER NOT NULL DEFAULT 0,    -- to make it, each counted before it begins
    spool_name          TEXT,                          -- NULL as long as it is not made
    byte_count          INTEGER NOT NULL DEFAULT 0,
    file_digest         TEXT NOT NULL DEFAULT '',
    reason              TEXT NOT NULL DEFAULT '',      -- why the original goes as it came
    UNIQUE (sop_instance_uid, transfer_syntax_uid)
) STRICT, WITHOUT ROWID;
INSERT INTO "encodings" VALUES('e000000000000001','2.25.1','1.2.840.10008.1.2.4.80','ready',0,'e000000000000001.enc',1000,'','');
INSERT INTO "encodings" VALUES('e000000000000002','2.25.2','1.2.840.10008.1.2.4.80','as_it_came',0,NULL,0,'','It is compressed already.');
CREATE TABLE facts (
    name                TEXT PRIMARY KEY,
    value               TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "facts" VALUES('last_confirmed_at','2026-11-28T11:34:21+00:00');
CREATE TABLE folder_files (
    path                TEXT PRIMARY KEY,
    byte_count          INTEGER NOT NULL,
    modified_ns         INTEGER NOT NULL,
    inode               INTEGER NOT NULL,
    instance_id         TEXT NOT NULL
, file_digest TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;
INSERT INTO "folder_files" VALUES('/inbox/a.png',7,1,2,'0000000000000007','0000000000000000000000000000000000000000000000000000000000000007');
CREATE TABLE forgotten_instances (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    sop_instance_uid    TEXT NOT NULL UNIQUE,
    sop_class_uid       TEXT NOT NULL,
    other_content       INTEGER NOT NULL DEFAULT 0     -- 1: something else had this UID as well
) STRICT;
INSERT INTO "forgotten_instances" VALUES(1,'2.25.8','1.2.840.10008.5.1.4.1.1.1',0);
CREATE TABLE forgotten_reports (
    key                 TEXT PRIMARY KEY,
    received_date       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "forgotten_reports" VALUES('0123456789abcdef','2026-11-20');
CREATE TABLE handed_over (
    delivery_id         TEXT PRIMARY KEY REFERENCES deliveries (id) ON DELETE CASCADE,
    destination         TEXT NOT NULL,
    -- stored, and to be asked about; asked about; promised; not promised, so that it is sent again
    state               TEXT NOT NULL CHECK (state IN ('stored', 'asked', 'kept', 'not_kept')),
    reason              INTEGER NOT NULL DEFAULT 0,    -- the last failure reason (PS3.3 Section C.14.1.1)
    times_not_kept      INTEGER NOT NULL DEFAULT 0,
    handed_over_at      TEXT NOT NULL                  -- local ISO time, for people
) STRICT, WITHOUT ROWID;
INSERT INTO "handed_over" VALUES('fcaf0bf3cae560c5','archive','asked',0,0,'2026-11-29T20:00:00+03:00');
CREATE TABLE instances (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT NOT NULL UNIQUE,          -- ours; names the spool file
    study_key           TEXT NOT NULL REFERENCES studies (key),
    state               TEXT NOT NULL DEFAULT 'received'
                        CHECK (state IN ('received', 'read', 'set_aside', 'forward_only')),
    reason              TEXT NOT NULL DEFAULT '',
    sop_instance_uid    TEXT NOT NULL,                 -- '' when it gave none
    sop_class_uid       TEXT NOT NULL,
    source              TEXT NOT NULL,
    received_at         TEXT NOT NULL,
    spool_name          TEXT NOT NULL,
    byte_count          INTEGER NOT NULL,
    picture             TEXT,                          -- JSON: identity and hints of what is not DICOM
    hints               TEXT NOT NULL DEFAULT '{}',
    forward_as          TEXT,                          -- minted once, when its own UID was taken by other content
    dataset_sha256      TEXT NOT NULL DEFAULT '',
    attempts            INTEGER NOT NULL DEFAULT 0,    -- readers that died over it
    engine_failures     INTEGER NOT NULL DEFAULT 0,
    interruptions       INTEGER NOT NULL DEFAULT 0,    -- attempts that the end of the daemon cut short
    attempt_number      INTEGER NOT NULL DEFAULT 0,    -- every attempt, whatever became of it: versions its files
    attempt_open        INTEGER NOT NULL DEFAULT 0,
    reading             TEXT                           -- JSON of ImageReading
, file_digest TEXT NOT NULL DEFAULT '', file_problem TEXT NOT NULL DEFAULT '' CHECK (file_problem IN ('', 'missing', 'damaged')), file_problem_since TEXT, same_as TEXT, turn INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "instances" VALUES(1,'0000000000000001','bdb12dc73e18c590','read','','2.25.1','1.2.840.10008.5.1.4.1.1.1','CR1@192.0.2.5','2026-11-28T11:34:21+00:00','0000000000000001.dcm',1001,NULL,'{"modality":"","body_part":"","view":"","pixel_spacing_mm":null}',NULL,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',0,0,0,1,0,'{"instance_id":"0000000000000001","sop_instance_uid":"2.25.1","source":"CR1@192.0.2.5","identity":{"patient_name":"","patient_id":"P1","issuer_of_patient_id":"","birth_date":"","sex":"","accession_number":"","study_instance_uid":"2.25.100","study_id":"","study_date":"","study_time":"","study_description":"","referring_physician":""},"header":{"sop_class_uid":"","series_instance_uid":"","transfer_syntax_uid":"","modality":"CR","body_part":"","view":"","laterality":"","instance_number":"","rows":0,"columns":0,"frames":1},"model":null,"outcome":"nothing_found","reason":"","findings":[],"quality":null,"plain":null,"overlay":null,"heatmaps":[],"frame":1,"phantom":false,"milliseconds":{}}','0000000000000000000000000000000000000000000000000000000000000001','',NULL,NULL,0);
INSERT INTO "instances" VALUES(2,'0000000000000002','bdb12dc73e18c590','set_aside','The file is damaged.','2.25.2','1.2.840.10008.5.1.4.1.1.1','CR1@192.0.2.5','2026-11-28T11:34:21+00:00','0000000000000002.dcm',1002,NULL,'{"modality":"","body_part":"","view":"","pixel_spacing_mm":null}',NULL,'',0,0,0,1,0,'{"instance_id":"0000000000000002","sop_instance_uid":"2.25.2","source":"CR1@192.0.2.5","identity":{"patient_name":"","patient_id":"P1","issuer_of_patient_id":"","birth_date":"","sex":"","accession_number":"","study_instance_uid":"2.25.100","study_id":"","study_date":"","study_time":"","study_description":"","referring_physician":""},"header":{"sop_class_uid":"","series_instance_uid":"","transfer_syntax_uid":"","modality":"CR","body_part":"","view":"","laterality":"","instance_number":"","rows":0,"columns":0,"frames":1},"model":null,"outcome":"not_assessed","reason":"The file is damaged.","findings":[],"quality":null,"plain":null,"overlay":null,"heatmaps":[],"frame":1,"phantom":false,"milliseconds":{}}','','',NULL,NULL,0);
INSERT INTO "instances" VALUES(3,'0000000000000003','d32a4b2690e07004','received','','2.25.3','1.2.840.10008.5.1.4.1.1.1','CR1@192.0.2.5','2026-11-28T11:34:21+00:00','0000000000000003.dcm',1003,NULL,'{"modality":"","body_part":"","view":"","pixel_spacing_mm":null}',NULL,'',1,0,0,2,1,NULL,'0000000000000000000000000000000000000000000000000000000000000003','',NULL,NULL,0);
INSERT INTO "instances" VALUES(4,'0000000000000004','d32a4b2690e07004','received','','2.25.4','1.2.840.10008.5.1.4.1.1.1','CR1@192.0.2.5','2026-11-28T11:34:21+00:00','0000000000000004.dcm',1004,NULL,'{"modality":"","body_part":"","view":"","pixel_spacing_mm":null}',NULL,'',0,0,0,0,0,NULL,'','',NULL,NULL,0);
INSERT INTO "instances" VALUES(5,'0000000000000005','d32a4b2690e07004','received','','2.25.5','1.2.840.10008.5.1.4.1.1.1','CR1@192.0.2.5','2026-11-28T11:34:21+00:00','0000000000000005.dcm',1005,NULL,'{"modality":"","body_part":"","view":"","pixel_spacing_mm":null}',NULL,'',0,0,0,0,0,NULL,'0000000000000000000000000000000000000000000000000000000000000005','',NULL,NULL,0);
INSERT INTO "instances" VALUES(6,'0000000000000006','735fc5017f1cd8e7','received','','2.25.6','1.2.840.10008.5.1.4.1.1.1','CR1@192.0.2.5','2026-11-28T11:34:21+00:00','0000000000000006.dcm',1006,NULL,'{"modality":"","body_part":"","view":"","pixel_spacing_mm":null}','2.25.600','',0,0,0,0,0,NULL,'','',NULL,NULL,0);
INSERT INTO "instances" VALUES(7,'0000000000000007','d1116545af0dea45','received','','2.25.902','1.2.840.10008.5.1.4.1.1.7','folder /inbox','2026-11-28T11:34:21+00:00','0000000000000007.picture',7,'{"patient_id":"P9","patient_name":"","accession_number":"A9","study_instance_uid":"2.25.900","series_instance_uid":"2.25.901","sop_instance_uid":"2.25.902"}','{"modality":"US","body_part":"","view":"","pixel_spacing_mm":null}',NULL,'',0,0,0,0,0,NULL,'0000000000000000000000000000000000000000000000000000000000000007','',NULL,NULL,0);
CREATE TABLE prints (
    delivery_id         TEXT PRIMARY KEY REFERENCES deliveries (id) ON DELETE CASCADE,
    version             INTEGER NOT NULL,              -- of the report
    result              TEXT NOT NULL,                 -- what it came to: the same for reports with the same result
    printer             TEXT NOT NULL,                 -- the name of a queue, or an address
    copies              INTEGER NOT NULL,
    page_size           TEXT NOT NULL,
    on_request          INTEGER NOT NULL DEFAULT 0,    -- a person asked for it
    sheet_made          INTEGER NOT NULL DEFAULT 0,    -- its file is there
    job_name            TEXT NOT NULL DEFAULT '',      -- noted before a job of that name is made; '' before that
    job_id              INTEGER,                       -- the print server's; NULL until it has told
    handed_at           TEXT                           -- local ISO time; NULL as long as no byte of it was handed over
) STRICT, WITHOUT ROWID;
INSERT INTO "prints" VALUES('00000000000000d8',1,'r','office',1,'A4',0,1,'leapfrog-1',7,'2026-01-02T00:00:30+00:00');
CREATE TABLE studies (
    sequence            INTEGER PRIMARY KEY AUTOINCREMENT,
    key                 TEXT NOT NULL UNIQUE,          -- ours; names the report's folder, holds nothing of the patient
    study_instance_uid  TEXT NOT NULL,                 -- '' when the instance gave none: a study of its own
    patient_id          TEXT NOT NULL,
    issuer              TEXT NOT NULL,
    received_at         TEXT NOT NULL,                 -- local ISO time of the first instance, for people
    received_date       TEXT NOT NULL,                 -- YYYY-MM-DD; the report's parent folder
    state               TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'quiet')),
    version             INTEGER NOT NULL DEFAULT 0,    -- of the last committed report; 0 = none yet
    published_version   INTEGER NOT NULL DEFAULT 0,    -- what the plain names in the folder show
    derived_version     INTEGER NOT NULL DEFAULT 0,    -- the last version whose DICOM objects are owed
    changes             INTEGER NOT NULL DEFAULT 0,    -- grows with every reading
    reported_changes    INTEGER NOT NULL DEFAULT 0,    -- what of it the last committed report holds
    urgent              INTEGER NOT NULL DEFAULT 0,
    finished_day      INTEGER,                       -- when a believable clock first found it finished; see retention
    worklist_row             TEXT NOT NULL DEFAULT '{}'     -- what the worklist shows of it, as JSON
, not_made TEXT NOT NULL DEFAULT '[]', exam_number TEXT, settled_changes INTEGER NOT NULL DEFAULT 0, settled_result TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "studies" VALUES(1,'bdb12dc73e18c590','2.25.100','P1','','2026-11-28T11:34:21+00:00','2026-11-28','quiet',1,1,1,2,2,1,NULL,'{"patient": "Okello, Dr Grace", "patient_id": "KIT-004211", "exam": "CR CHEST", "received": "2026-11-28 11:34", "kind": "look", "headline": "Urgent: 1 finding needs a look: Pneumothorax", "detail": "", "urgent": true, "phantom": false, "images": "2 images, 1 not assessed"}','[]','K7-42F',2,'unknown');
INSERT INTO "studies" VALUES(2,'d32a4b2690e07004','2.25.101','P1','','2026-11-28T11:34:21+00:00','2026-11-28','open',0,0,0,0,0,0,NULL,'{}','[]',NULL,0,'');
INSERT INTO "studies" VALUES(3,'735fc5017f1cd8e7','2.25.102','P1','','2026-11-28T11:34:21+00:00','2026-11-28','open',0,0,0,0,0,0,NULL,'{}','[]',NULL,0,'');
INSERT INTO "studies" VALUES(4,'d1116545af0dea45','2.25.900','P9','','2026-11-28T11:34:21+00:00','2026-11-28','open',0,0,0,0,0,0,NULL,'{}','[]',NULL,0,'');
CREATE UNIQUE INDEX studies_by_identity ON studies (study_instance_uid, patient_id, issuer)
    WHERE study_instance_uid <> '';
CREATE INDEX studies_open ON studies (sequence) WHERE state = 'open';
CREATE INDEX studies_finished ON studies (finished_day) WHERE state = 'quiet';
CREATE INDEX instances_by_state ON instances (state, sequence);
CREATE INDEX instances_by_study ON instances (study_key, sequence);
CREATE INDEX instances_by_uid ON instances (sop_instance_uid) WHERE sop_instance_uid <> '';
CREATE INDEX instances_renamed ON instances (sequence) WHERE forward_as IS NOT NULL;
CREATE INDEX instances_by_accession
    ON instances (json_extract(picture, '$.accession_number'), json_extract(picture, '$.patient_id'))
    WHERE picture IS NOT NULL;
CREATE INDEX instances_in_attempt ON instances (sequence) WHERE attempt_open = 1;
CREATE TRIGGER instance_added AFTER INSERT ON instances BEGIN
    UPDATE counts SET total = total + 1 WHERE what = 'instances' AND state = NEW.state;
END;
CREATE TRIGGER instance_removed AFTER DELETE ON instances BEGIN
    UPDATE counts SET total = total - 1 WHERE what = 'instances' AND state = OLD.state;
END;
CREATE TRIGGER instance_moved AFTER UPDATE OF state ON instances WHEN OLD.state <> NEW.state BEGIN
    SELECT RAISE(ABORT, 'an instance cannot change its state this way') WHERE NOT (
        (OLD.state = 'received' AND NEW.state IN ('read', 'set_aside', 'forward_only'))
        OR (OLD.state IN ('set_aside', 'read') AND NEW.state = 'received'));
    UPDATE counts SET total = total - 1 WHERE what = 'instances' AND state = OLD.state;
    UPDATE counts SET total = total + 1 WHERE what = 'instances' AND state = NEW.state;
END;
CREATE TRIGGER late_image_is_not_finished AFTER UPDATE OF state ON studies WHEN NEW.state = 'open' BEGIN
    UPDATE studies SET finished_day = NULL WHERE key = NEW.key;
END;
CREATE TRIGGER report_goes_forward BEFORE UPDATE OF version ON studies WHEN NEW.version < OLD.version BEGIN
    SELECT RAISE(ABORT, 'a report cannot go back to an older version');
END;
CREATE INDEX studies_not_made ON studies (sequence) WHERE not_made <> '[]';
CREATE INDEX instances_with_file_problem ON instances (sequence) WHERE file_problem <> '';
CREATE INDEX instances_waiting ON instances (turn, sequence) WHERE state = 'received' AND attempt_open = 0;
CREATE INDEX instances_unread ON instances (study_key) WHERE state = 'received';
CREATE INDEX studies_unpublished ON studies (urgent, sequence) WHERE published_version < version;
CREATE INDEX commitments_by_state ON commitments (state, sequence);
CREATE UNIQUE INDEX studies_by_number ON studies (exam_number) WHERE exam_number IS NOT NULL;
CREATE INDEX studies_without_number ON studies (sequence) WHERE exam_number IS NULL;
CREATE INDEX deliveries_fresh ON deliveries (destination, rank, place)
    WHERE state = 'waiting' AND failures = 0 AND spool_name IS NOT NULL;
CREATE INDEX deliveries_to_retry ON deliveries (destination, rank, due_at)
    WHERE state = 'waiting' AND failures > 0 AND spool_name IS NOT NULL;
CREATE INDEX deliveries_by_state ON deliveries (state, sequence);
CREATE INDEX deliveries_owed ON deliveries (destination, state, sequence) WHERE state IN ('waiting', 'refused');
CREATE INDEX deliveries_by_study ON deliveries (study_key);
CREATE INDEX deliveries_by_instance ON deliveries (instance_id);
CREATE UNIQUE INDEX deliveries_once ON deliveries (sop_instance_uid, destination);
CREATE INDEX deliveries_to_print ON deliveries (urgent DESC, sequence) WHERE state = 'waiting' AND kind = 'print';
CREATE TRIGGER delivery_added AFTER INSERT ON deliveries BEGIN
    UPDATE counts SET total = total + 1
    WHERE what = iif(NEW.kind = 'print', 'prints', 'deliveries') AND state = NEW.state;
    INSERT INTO delivery_totals VALUES (NEW.destination, NEW.kind, NEW.state, 1, NEW.byte_count)
        ON CONFLICT DO UPDATE SET total = total + excluded.total, byte_count = byte_count + excluded.byte_count;
END;
CREATE TRIGGER delivery_removed AFTER DELETE ON deliveries BEGIN
    UPDATE counts SET total = total - 1
    WHERE what = iif(OLD.kind = 'print', 'prints', 'deliveries') AND state = OLD.state;
    INSERT INTO delivery_totals VALUES (OLD.destination, OLD.kind, OLD.state, -1, -OLD.byte_count)
        ON CONFLICT DO UPDATE SET total = total + excluded.total, byte_count = byte_count + excluded.byte_count;
END;
CREATE TRIGGER delivery_moved AFTER UPDATE OF state ON deliveries WHEN OLD.state <> NEW.state BEGIN
    SELECT RAISE(ABORT, 'a delivery cannot change its state this way') WHERE NOT (
        (OLD.state = 'waiting' AND NEW.state IN ('confirmed', 'refused'))
        OR (OLD.state IN ('waiting', 'refused') AND NEW.state IN ('superseded', 'dismissed'))
        OR (OLD.state = 'refused' AND NEW.state = 'waiting')
        OR (OLD.state = 'superseded' AND NEW.state = 'dismissed'));
    UPDATE counts SET total = total - 1
    WHERE what = iif(NEW.kind = 'print', 'prints', 'deliveries') AND state = OLD.state;
    UPDATE counts SET total = total + 1
    WHERE what = iif(NEW.kind = 'print', 'prints', 'deliveries') AND state = NEW.state;
END;
CREATE TRIGGER delivery_counted AFTER UPDATE OF state, byte_count ON deliveries
    WHEN OLD.state <> NEW.state OR OLD.byte_count <> NEW.byte_count BEGIN
    INSERT INTO delivery_totals VALUES (OLD.destination, OLD.kind, OLD.state, -1, -OLD.byte_count)
        ON CONFLICT DO UPDATE SET total = total + excluded.total, byte_count = byte_count + excluded.byte_count;
    INSERT INTO delivery_totals VALUES (NEW.destination, NEW.kind, NEW.state, 1, NEW.byte_count)
        ON CONFLICT DO UPDATE SET total = total + excluded.total, byte_count = byte_count + excluded.byte_count;
END;
CREATE INDEX handed_over_by_state ON handed_over (destination, state);
CREATE INDEX asked_promises_by_delivery ON asked_promises (delivery_id);
CREATE TRIGGER promise_not_needed AFTER UPDATE OF state ON deliveries WHEN NEW.state <> 'waiting' BEGIN
    DELETE FROM handed_over WHERE delivery_id = NEW.id;
END;
CREATE INDEX answer_questions_open ON answer_questions (destination, sequence) WHERE over = 0;
CREATE INDEX answers_by_state ON answers (state, sequence);
CREATE INDEX answers_of_others ON answers (sequence) WHERE state IN ('another_patient', 'unsure_patient');
CREATE TRIGGER delivery_may_be_answered AFTER UPDATE OF state ON deliveries
    WHEN NEW.state = 'confirmed' AND OLD.state <> 'confirmed' AND NEW.destination <> '' BEGIN
    INSERT OR IGNORE INTO answer_questions (study_key, destination, asked_at)
    VALUES (NEW.study_key, NEW.destination, CAST(strftime('%s', 'now') AS REAL));
END;
CREATE INDEX encodings_by_state ON encodings (state) WHERE state <> 'as_it_came';
CREATE TRIGGER encoding_of_nothing AFTER DELETE ON deliveries WHEN OLD.sop_instance_uid IS NOT NULL BEGIN
    DELETE FROM encodings WHERE sop_instance_uid = OLD.sop_instance_uid
        AND NOT EXISTS (SELECT 1 FROM deliveries WHERE sop_instance_uid = OLD.sop_instance_uid);
END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('studies',4);
INSERT INTO "sqlite_sequence" VALUES('instances',7);
INSERT INTO "sqlite_sequence" VALUES('commitments',1);
INSERT INTO "sqlite_sequence" VALUES('forgotten_instances',1);
INSERT INTO "sqlite_sequence" VALUES('deliveries',8);
INSERT INTO "sqlite_sequence" VALUES('answers',1);
COMMIT;
PRAGMA user_version = 13;
