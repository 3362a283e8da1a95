// Plays series and rules into a database that Prometheus serves: `replay --series FILE --rules FILE --data FOLDER --step 1m`.
//
// The series are in the text format of OpenMetrics, with timestamps. At each step the samples up to it are stored, and all
// groups of rules are evaluated by Prometheus' own packages, as `promtool test rules` does. In the end everything is one block.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// oneBlock is longer than anything that is played, so that nothing leaves the head before its end.
const oneBlock = int64(100 * 24 * time.Hour / time.Millisecond)

type sample struct {
	at     int64
	value  float64
	labels labels.Labels
}

func main() {
	series := flag.String("series", "", "file of series, in the text format of OpenMetrics")
	groups := flag.String("rules", "", "file of groups of rules")
	data := flag.String("data", "", "empty folder for the database")
	step := flag.Duration("step", time.Minute, "time between two evaluations")
	flag.Parse()
	if err := play(*series, *groups, *data, *step); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func play(series, groups, data string, step time.Duration) (err error) {
	samples, err := read(series)
	if err != nil {
		return err
	}
	options := tsdb.DefaultOptions()
	options.MinBlockDuration, options.MaxBlockDuration, options.RetentionDuration = oneBlock, oneBlock, 0
	db, err := tsdb.Open(data, promslog.NewNopLogger(), nil, options, nil)
	if err != nil {
		return err
	}
	db.DisableCompactions()
	defer func() { err = errors.Join(err, db.Close()) }()
	known, err := load(groups, db, step)
	if err != nil {
		return err
	}

	first, last := samples[0].at, samples[len(samples)-1].at
	seen, next := map[string]sample{}, 0
	for now := first; now <= last; now += step.Milliseconds() {
		if seen, next, err = store(db, samples, next, now, seen); err != nil {
			return err
		}
		for _, group := range known {
			group.Eval(context.Background(), time.UnixMilli(now))
			for _, rule := range group.Rules() {
				if fault := rule.LastError(); fault != nil {
					return fmt.Errorf("%s at %s: %w", rule.Name(), time.UnixMilli(now).UTC(), fault)
				}
			}
		}
	}
	return db.CompactHead(tsdb.NewRangeHead(db.Head(), first, last))
}

// read returns the samples of a file in the order of time.
func read(file string) ([]sample, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	found, parsed := []sample{}, textparse.NewOpenMetricsParser(text, labels.NewSymbolTable())
	for {
		entry, err := parsed.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		var named labels.Labels
		parsed.Labels(&named)
		_, at, number := parsed.Series()
		if at == nil {
			return nil, fmt.Errorf("%s: %s has no timestamp", file, named)
		}
		found = append(found, sample{at: *at, value: number, labels: named})
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: no series", file)
	}
	slices.SortStableFunc(found, func(one, other sample) int { return int(one.at - other.at) })
	return found, nil
}

// store appends the samples up to a moment, and ends series that have none, as a scrape does. It returns the series that
// there are now, and the first sample that is later.
func store(db *tsdb.DB, samples []sample, next int, now int64, before map[string]sample) (map[string]sample, int, error) {
	appender, there := db.Appender(context.Background()), map[string]sample{}
	for ; next < len(samples) && samples[next].at <= now; next++ {
		each := samples[next]
		if _, err := appender.Append(0, each.labels, each.at, each.value); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", each.labels, err)
		}
		there[each.labels.String()] = each
	}
	for name, gone := range before {
		if _, stays := there[name]; stays {
			continue
		}
		if _, err := appender.Append(0, gone.labels, now, math.Float64frombits(value.StaleNaN)); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", gone.labels, err)
		}
	}
	return there, next, appender.Commit()
}

// load returns the groups of a file by name. A server evaluates groups in no order.
func load(file string, db storage.Storage, step time.Duration) ([]*rules.Group, error) {
	engine := promql.NewEngine(promql.EngineOpts{
		Logger: promslog.NewNopLogger(), MaxSamples: 50_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute,
	})
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:   rules.EngineQueryFunc(engine, db),
		Appendable:  db,
		Queryable:   db,
		Context:     context.Background(),
		ExternalURL: &url.URL{},
		NotifyFunc:  func(context.Context, string, ...*rules.Alert) {},
		Logger:      promslog.NewNopLogger(),
		Parser:      parser.NewParser(parser.Options{}),
	})
	loaded, faults := manager.LoadGroups(step, labels.EmptyLabels(), "", nil, false, file)
	if faults != nil {
		return nil, errors.Join(faults...)
	}
	found := []*rules.Group{}
	for _, group := range loaded {
		for _, rule := range group.Rules() {
			if alert, is := rule.(*rules.AlertingRule); is {
				// Without it no series ALERTS is written.
				alert.SetRestored(true)
			}
		}
		found = append(found, group)
	}
	slices.SortFunc(found, func(one, other *rules.Group) int { return strings.Compare(one.Name(), other.Name()) })
	return found, nil
}
