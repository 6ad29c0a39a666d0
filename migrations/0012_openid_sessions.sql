ALTER TABLE `sessions` ADD `openid_issuer` text;--> statement-breakpoint
ALTER TABLE `sessions` ADD `openid_subject` text;--> statement-breakpoint
ALTER TABLE `sessions` ADD `openid_sid` text;--> statement-breakpoint
CREATE INDEX `sessions_by_openid_sid` ON `sessions` (`identity_store_id`,`openid_sid`) WHERE openid_sid IS NOT NULL;