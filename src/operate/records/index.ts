/**
 * The door of records: what to publish in the name service so that mail comes, and goes through, as exact text. Called by checks for
 * their cures, by `ims dns`, and by set-up. The addresses and hashes come from the caller; only a comparison asks the name service.
 */
export { mtaStsPolicy, recordsToPublish, spfText, withAddress, type PublishingFacts } from './proposal.ts';
export { txtStrings, zoneLine, type PublishableRecord, type RecordPurpose } from './record.ts';
export { compareRecord, type ComparedRecord, type RecordState } from './compare.ts';
