CREATE TABLE `audit_events` (
	`identity_store_id` text NOT NULL,
	`event_id` text NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`action` text NOT NULL,
	`subject` text NOT NULL,
	`before` text,
	`after` text,
	`request_id` text NOT NULL,
	PRIMARY KEY(`identity_store_id`, `event_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `credentials` (
	`identity_store_id` text NOT NULL,
	`credential_id` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`public_id` text NOT NULL,
	`secret_hash` text,
	`sealed_secret` text,
	`owner_user_id` text,
	`scopes` text NOT NULL,
	`address_allow_list` text,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoked_at` integer,
	PRIMARY KEY(`identity_store_id`, `credential_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `credential_by_public_id` ON `credentials` (`public_id`);--> statement-breakpoint
CREATE TABLE `identity_stores` (
	`identity_store_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`default_login_mode` text NOT NULL,
	`state` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `session_configs` (
	`identity_store_id` text PRIMARY KEY NOT NULL,
	`version` integer NOT NULL,
	`allow_persistent_sessions` integer NOT NULL,
	`session_minutes` integer NOT NULL,
	`concurrent_session_limit` integer,
	`use_inactivity_based_logout` integer NOT NULL,
	`track_session_location` integer NOT NULL,
	`updated_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `session_settings` (
	`identity_store_id` text NOT NULL,
	`user_id` text NOT NULL,
	`version` integer NOT NULL,
	`duration_seconds` integer,
	`desktop_app_browser_quit` integer,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`identity_store_id`, `user_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `sessions` (
	`identity_store_id` text NOT NULL,
	`user_id` text NOT NULL,
	`session_id` text NOT NULL,
	`number` integer NOT NULL,
	`version` integer NOT NULL,
	`kind` text NOT NULL,
	`opened_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`persistent` integer NOT NULL,
	`credentials_type` text NOT NULL,
	`address` text,
	`user_agent` text,
	`recent_address` text,
	`recent_user_agent` text,
	`location` text,
	`actor_user_id` text,
	`actor_session_id` text,
	`api_client_id` text,
	`ended_at` integer,
	`end_reason` text,
	`ended_by` text,
	`end_request_id` text,
	PRIMARY KEY(`identity_store_id`, `user_id`, `session_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `live_sessions_of_store_newest_first` ON `sessions` (`identity_store_id`,`session_id`) WHERE ended_at IS NULL AND kind = 'web';--> statement-breakpoint
CREATE INDEX `session_by_number` ON `sessions` (`identity_store_id`,`number`);--> statement-breakpoint
CREATE TABLE `sign_in_attempts` (
	`identity_store_id` text NOT NULL,
	`subject` text NOT NULL,
	`username` text,
	`user_id` text,
	`address` text,
	`attempts` integer NOT NULL,
	`window_ends_at` integer NOT NULL,
	`locked_at` integer,
	`locked_until` integer,
	PRIMARY KEY(`identity_store_id`, `subject`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `users` (
	`identity_store_id` text NOT NULL,
	`user_id` text NOT NULL,
	`group_id` text,
	`username` text,
	`password_hash` text,
	`role` text NOT NULL,
	`user_level` integer NOT NULL,
	`login_mode` text,
	`bot` integer NOT NULL,
	`active` integer NOT NULL,
	`sessions_valid_from` integer NOT NULL,
	`status_version` integer NOT NULL,
	`first_name` text,
	`last_name` text,
	`email_address` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer,
	PRIMARY KEY(`identity_store_id`, `user_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `user_by_username` ON `users` (`username`);