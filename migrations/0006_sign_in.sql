ALTER TABLE `users` ADD `signed_in_from` text;
