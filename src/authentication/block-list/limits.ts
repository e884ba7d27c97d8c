/** Characters kept of what a list says about an address. */
export const textMax = 200;
