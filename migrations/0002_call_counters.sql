CREATE TABLE `call_counters` (
	`identity_store_id` text NOT NULL,
	`subject` text NOT NULL,
	`calls` integer NOT NULL,
	`window_ends_at` integer NOT NULL,
	PRIMARY KEY(`identity_store_id`, `subject`)
) WITHOUT ROWID;
