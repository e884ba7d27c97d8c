import type { CatalogueSection } from '../row.ts';

/** Events of config. */
export const configEvents = {
  2550: {
    name: 'config.applied',
    severity: 'information',
    category: 'configuration',
    title: 'A configuration was applied',
    text: 'configuration {generation} of {file} was applied; changed: {changes}; needing a restart: {restart}',
    data: { generation: 'count', file: 'path', changes: 'text', restart: 'text' },
  },
  3550: {
    name: 'config.warned',
    severity: 'warning',
    category: 'configuration',
    title: 'The configuration is doubtful',
    text: '{problem}',
    data: { problem: 'text' },
    advice: 'The service runs with it; look whether it is meant so.',
  },
  4550: {
    name: 'config.refused',
    severity: 'error',
    category: 'configuration',
    title: 'A configuration was refused; the one before stays in force',
    text: '{file} has {count} problems, the first: {problem}',
    data: { file: 'path', count: 'count', problem: 'text' },
    advice: 'Run `ims config check`, correct what it names, then `ims reload`.',
  },
} as const satisfies CatalogueSection;
