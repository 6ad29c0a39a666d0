ALTER TABLE `login_tokens` ADD `maker_user_id` text;--> statement-breakpoint
ALTER TABLE `users` ADD `profile_base` text;--> statement-breakpoint
ALTER TABLE `users` ADD `openid_issuer` text;--> statement-breakpoint
CREATE INDEX `user_by_email_address` ON `users` (`identity_store_id`,lower(email_address)) WHERE lower(email_address) IS NOT NULL;--> statement-breakpoint
UPDATE `users` SET `openid_issuer` = (SELECT `issuer` FROM `openid_providers` WHERE `openid_providers`.`identity_store_id` = `users`.`identity_store_id`) WHERE `openid_subject` IS NOT NULL;
