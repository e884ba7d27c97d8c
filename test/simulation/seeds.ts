/** Seeds that once failed, each with its story; they are run always. */
export const committedSeeds: readonly { readonly seed: number; readonly story: string }[] = [
  {
    seed: 45,
    story: 'a suspect tried alone was offered although its next hop rested, and the worker turned in a circle',
  },
  { seed: 235, story: 'a rest shorter than the wall clock tells apart was due at once, again and again' },
  { seed: 317, story: 'a next hop that was due again while it was given back was never served again' },
  {
    seed: 623,
    story: 'a message found in its Maildir after a sync that failed counted as delivered, and the power took its name',
  },
  { seed: 24, story: 'a worker lent away connections that it was about to use' },
];
