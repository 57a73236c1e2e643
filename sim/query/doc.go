// Package query selects devices and jobs: what is asked in a dialect becomes
// a Query made of explicit operators, and one evaluator answers it over rows.
//
// The dialects are front ends, a file or two each; they differ in what a
// comparison with nothing means, whether kinds mix and which letters count,
// and say so with a Mode on every comparison instead of a switch inside the
// evaluator:
//
//   - ParseFilter reads the filter of a device group, SELECT * FROM devices
//     WHERE ... [Azure IoT Central REST API: device groups];
//   - ParseObject reads a query object of the 2016 preview [Azure IoT Hub
//     device management preview: device queries], over Devices or over Jobs;
//   - Labelled is the preview's query by tags;
//   - ParseSelector reads the short form of the command line and of
//     scenarios: label=bacon, id in (a,b).
//
// Rows come from a Source, which is all that is known of the hub: it says how
// many rows there are, and a Row answers what is in one of its fields. A
// Source must not change while it is asked; a hub gives a snapshot. It may
// have two more abilities, each an interface of its own: Indexed, to answer an
// equality with fewer rows, and Ordered, to say that its rows ascend by the
// field that identifies them. They make a query faster and never change its
// answer.
//
// Run answers at once. A machine that must not look at more than so many rows
// at a time uses a Scan:
//
//	s := query.NewScan(source, q)
//	for !s.Next(1000) {
//		// on with other work; the Source stays as it is
//	}
//	result := s.Result()
//
// Every answer has a total order: what Sort says, then the identifying field,
// ascending byte by byte. So pages follow each other without gap or repetition
// (Result.Next, Query.Resume), and one Source and one Query give one Result,
// in however many slices.
//
// Nothing here fails because of what is in a row: what cannot be compared does
// not match. Errors come from the front ends alone, are of type *Error and say
// where.
package query
