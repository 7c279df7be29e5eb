/**
 * Colours that people with any common colour blindness tell apart: those of Okabe and Ito, moved in brightness until each
 * can be read on Grafana's light and dark grounds (contrast of 3 or more on both). A colour always comes with a word: a mapped text, a legend or a title.
 */
export const colours = {
  good: '#009E73',
  info: '#2F95D0',
  warning: '#CC8400',
  bad: '#CC4B12',
  neutral: '#7F8790',
  plain: '#6675E0',
  other: '#B8618F',
} as const;

export type Colour = (typeof colours)[keyof typeof colours];

/** Names that appear in queries, and the colour each has on every dashboard. */
export const series: Record<string, Colour> = {
  'DKIM and SPF': colours.good,
  'DKIM only': colours.info,
  'SPF only': colours.other,
  Neither: colours.bad,
  Delivered: colours.info,
  Quarantined: colours.warning,
  Rejected: colours.bad,
  'Other answers': colours.neutral,
};

/** Words of the schema, how they are shown, and how bad they are. */
export type Words = Record<string, { text: string; colour: Colour }>;

export const status: Words = {
  error: { text: 'Act now', colour: colours.bad },
  warning: { text: 'Look', colour: colours.warning },
  unknown: { text: 'No answer', colour: colours.neutral },
  info: { text: 'Hint', colour: colours.info },
  ok: { text: 'Fine', colour: colours.good },
};

export const severity: Words = {
  error: { text: 'Error', colour: colours.bad },
  warning: { text: 'Warning', colour: colours.warning },
  info: { text: 'Info', colour: colours.info },
};

export const stages: Words = {
  unprotected: { text: 'Unprotected', colour: colours.bad },
  monitoring: { text: 'Monitoring', colour: colours.warning },
  aligning: { text: 'Aligning', colour: colours.other },
  quarantine: { text: 'Quarantine', colour: colours.info },
  reject: { text: 'Reject', colour: colours.plain },
  maintained: { text: 'Maintained', colour: colours.good },
};

export const policies: Words = {
  '': { text: 'No record', colour: colours.bad },
  none: { text: 'none', colour: colours.warning },
  quarantine: { text: 'quarantine', colour: colours.info },
  reject: { text: 'reject', colour: colours.good },
};

export const classes: Words = {
  threat: { text: 'Forges', colour: colours.bad },
  undecided: { text: 'Undecided', colour: colours.warning },
  needs_work: { text: 'Needs work', colour: colours.other },
  forwarder: { text: 'Forwards', colour: colours.info },
  aligned: { text: 'Aligned', colour: colours.good },
};

export const steps: Words = {
  regressed: { text: 'Regressed', colour: colours.bad },
  open: { text: 'Open', colour: colours.warning },
  blocked: { text: 'Blocked', colour: colours.neutral },
  done: { text: 'Done', colour: colours.good },
};

/** Whether decisions rest on what a reporter says. */
export const standings: Words = {
  known: { text: 'Known', colour: colours.good },
  established: { text: 'Established', colour: colours.info },
  unchecked: { text: 'Not checked', colour: colours.neutral },
  stranger: { text: 'Stranger', colour: colours.warning },
  suspect: { text: 'Suspect', colour: colours.bad },
};

export const results: Words = {
  pass: { text: 'Pass', colour: colours.good },
  fail: { text: 'Fail', colour: colours.bad },
};
