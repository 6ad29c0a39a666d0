ALTER TABLE `login_tokens` ADD `epoch` integer;
