export { askList, askLivingList, type Listing } from './ask.ts';
