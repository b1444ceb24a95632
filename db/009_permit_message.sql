-- What the MES said when it let the attempt begin; NULL: nothing.
ALTER TABLE attempts ADD COLUMN permit_message TEXT;
