-- What the camera's own core said of a region, over SWD: its CRC-32, and how many files its mount driver walked.
ALTER TABLE attempt_regions ADD COLUMN crc32_core TEXT;
ALTER TABLE attempt_regions ADD COLUMN files_core INTEGER;
