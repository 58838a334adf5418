-- Which events concern what, so that those of one thing are found without reading all. Events are
-- written, pruned and kept at one place each; the triggers keep this in step with all three.
CREATE TABLE event_resource (
    resource TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (resource, seq)
) WITHOUT ROWID;

INSERT OR IGNORE INTO event_resource (resource, seq)
SELECT resource.value, event.seq FROM event, json_each(event.resources) AS resource;

CREATE TRIGGER event_resource_of_new AFTER INSERT ON event BEGIN
    INSERT OR IGNORE INTO event_resource (resource, seq)
    SELECT value, new.seq FROM json_each(new.resources);
END;

CREATE TRIGGER event_resource_of_old AFTER DELETE ON event BEGIN
    DELETE FROM event_resource
    WHERE seq = old.seq AND resource IN (SELECT value FROM json_each(old.resources));
END;

CREATE INDEX event_by_kind ON event (read_only, seq);
