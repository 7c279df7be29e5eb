import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';

import { fleet } from './fleet.js';

export const all = (): Record<string, Dashboard> => ({ fleet: fleet() });
