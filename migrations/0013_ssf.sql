CREATE TABLE `ssf_keys` (
	`identity_store_id` text NOT NULL,
	`key_id` text NOT NULL,
	`sealed_private_key` text NOT NULL,
	`modulus` text NOT NULL,
	`created_at` integer NOT NULL,
	`signs_from` integer NOT NULL,
	PRIMARY KEY(`identity_store_id`, `key_id`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `event_endpoints` ADD `receiver` text;--> statement-breakpoint
ALTER TABLE `event_endpoints` ADD `events_requested` text;--> statement-breakpoint
ALTER TABLE `event_endpoints` ADD `stream_status` text;--> statement-breakpoint
ALTER TABLE `event_endpoints` ADD `status_reason` text;--> statement-breakpoint
CREATE INDEX `receivers_of_security_events` ON `credentials` (`identity_store_id`) WHERE instr(scopes, '"ssf.') > 0;