ALTER TABLE `credentials` ADD `session_token_hash` text;--> statement-breakpoint
ALTER TABLE `credentials` ADD `parent_credential_id` text;--> statement-breakpoint
ALTER TABLE `credentials` ADD `delegated_store_ids` text DEFAULT '[]' NOT NULL;