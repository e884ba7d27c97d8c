/**
 * The door of records: what to publish in the name service so that mail comes, and goes through, as exact text. Called by checks for
 * their cures, by `ims dns`, and by set-up. It is pure: the addresses and hashes come from the caller.
 */
export { mtaStsPolicy, recordsToPublish, spfText, type PublishingFacts } from './proposal.ts';
export { txtStrings, zoneLine, type PublishableRecord, type RecordPurpose } from './record.ts';
