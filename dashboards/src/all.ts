import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';

import { abuse } from './abuse.js';
import { customer } from './customer.js';
import { domain } from './domain.js';
import { fleet } from './fleet.js';
import { health } from './health.js';
import { ingest } from './ingest.js';
import { origins } from './sources.js';
import { tls } from './tls.js';

/** Every dashboard, by the name of its file. */
export const all = (): Record<string, Dashboard> => ({
  abuse: abuse(),
  customer: customer(),
  domain: domain(),
  fleet: fleet(),
  health: health(),
  ingest: ingest(),
  sources: origins(),
  tls: tls(),
});
