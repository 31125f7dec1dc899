-- A recall is the holds that name it: what it holds is asked again when the same recall is placed once more.

ALTER TABLE hold ADD COLUMN recall text NOT NULL DEFAULT '';
CREATE INDEX hold_recall ON hold (recall) WHERE recall <> '';
ALTER TABLE lot ADD COLUMN recall text NOT NULL DEFAULT '';

-- What did this machine work on between these times?
CREATE INDEX history_station ON history (station, time_us);
