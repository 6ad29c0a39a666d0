CREATE INDEX `audit_events_by_subject` ON `audit_events` (`identity_store_id`,`subject`);--> statement-breakpoint
CREATE INDEX `revoked_credentials_oldest_first` ON `credentials` (`revoked_at`) WHERE revoked_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `credentials_by_expiry` ON `credentials` (`expires_at`) WHERE expires_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `ended_sessions_oldest_first` ON `sessions` (`ended_at`) WHERE ended_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `sessions_with_location` ON `sessions` (`identity_store_id`,`user_id`) WHERE location IS NOT NULL;