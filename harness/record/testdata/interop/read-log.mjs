// Reads an HdrHistogram log with hdr-histogram-js and prints, for every line,
// its tag, its interval, how many values it has and the value of each rank:
//
//	node read-log.mjs LOG RANKS
//
// RANKS is a JSON file: tag -> ranks, from 1 to the number of values.
import { readFileSync } from "node:fs";
import hdr from "hdr-histogram-js";

const [log, ranks] = process.argv.slice(2).map((path) => readFileSync(path, "utf8"));
const asked = JSON.parse(ranks);
const reader = new hdr.HistogramLogReader(log, 64);
const out = [];
for (let h; (h = reader.nextIntervalHistogram()) !== null; ) {
  // Libraries round ranks of percentiles differently when there are few values
  // (up here, to the nearest elsewhere); 0.4 below a rank all mean that rank.
  const value = (rank) => h.getValueAtPercentile(((rank - 0.4) / h.totalCount) * 100);
  out.push({
    tag: h.tag,
    startMs: h.startTimeStampMsec,
    endMs: h.endTimeStampMsec,
    count: h.totalCount,
    mean: h.mean,
    p0: h.getValueAtPercentile(0),
    values: (asked[h.tag] ?? []).map(value),
  });
}
process.stdout.write(JSON.stringify(out));
