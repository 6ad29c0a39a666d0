CREATE TABLE `deployment_facts` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `failing_work` (
	`identity_store_id` text NOT NULL,
	`kind` text NOT NULL,
	`id` text NOT NULL,
	`since` integer NOT NULL,
	`seen_at` integer NOT NULL,
	`next_at` integer NOT NULL,
	PRIMARY KEY(`identity_store_id`, `kind`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
-- The objects that there are already are in no jurisdiction.
INSERT INTO `deployment_facts` (`name`, `value`) SELECT 'jurisdiction', '' WHERE EXISTS (SELECT 1 FROM `identity_stores`);
