/** Characters of a policy record that are read. */
export const recordMax = 4096;
/** Tags of one record. */
export const tagsMax = 64;
/** Lines of an MTA-STS policy, and its MX patterns. */
export const policyLinesMax = 500;
