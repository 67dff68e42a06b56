-- Tickets made before this are redeemed as those of a sign-in without a second factor; they live a minute.
ALTER TABLE accord.tickets ADD COLUMN mfa BOOLEAN DEFAULT false NOT NULL;
