-- How many bytes of what an event changed were not kept, and what events are looked up by.
ALTER TABLE event ADD COLUMN changes_left_out INTEGER NOT NULL DEFAULT 0;

CREATE INDEX event_by_time ON event (at, seq);
CREATE INDEX event_by_action ON event (action, seq);
CREATE INDEX event_by_caller ON event (caller, seq);
