/** Recipients of one delivery, the unit of scheduling (RFC 5321 §4.5.3.1.8 lets every server take so many). */
export const recipientsPerDeliveryMax = 100;

/** Octets of a message's Message-ID that are kept for search. */
export const messageIdMax = 998;
