CREATE TABLE `login_tokens` (
	`token_hash` text PRIMARY KEY NOT NULL,
	`identity_store_id` text NOT NULL,
	`user_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `openid_providers` (
	`identity_store_id` text PRIMARY KEY NOT NULL,
	`issuer` text NOT NULL,
	`client_id` text NOT NULL,
	`sealed_client_secret` text NOT NULL,
	`redirect_uri` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `openid_provider_by_redirect_uri` ON `openid_providers` (`redirect_uri`);--> statement-breakpoint
ALTER TABLE `identity_stores` ADD `update_profile_to_bs_db_sso` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `email_by_user` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `profile_version` integer;--> statement-breakpoint
ALTER TABLE `users` ADD `openid_subject` text;--> statement-breakpoint
ALTER TABLE `users` ADD `first_login_at` integer;--> statement-breakpoint
CREATE UNIQUE INDEX `user_by_openid_subject` ON `users` (`identity_store_id`,`openid_subject`) WHERE openid_subject IS NOT NULL;