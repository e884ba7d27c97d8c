import { testSeeds } from './many-seeds.ts';

testSeeds(2, 2);
