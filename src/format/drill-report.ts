import type { DrillReport } from '../model/drill-report.ts';
import { prettyJson } from './pretty-json.ts';
import { addSum } from './sum-json.ts';

/** Version of the reports this code writes. Nothing reads them back: they are for people and their auditors. */
export const drillReportFormat = 1;

/** Encodes a report as it is kept in the store. The same report always gives the same bytes. */
export function encodeDrillReport(report: DrillReport): Uint8Array {
  return Buffer.from(addSum(prettyJson({ format: drillReportFormat, ...report })), 'utf8');
}
