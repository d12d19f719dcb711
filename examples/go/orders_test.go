// Package orders tests a program that writes and reads orders.
package orders

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const orders = 100

func client(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	servers := os.Getenv("BOOTSTRAP_SERVERS")
	if servers == "" {
		t.Skip("run it as: blumfeld-gateway exec --brokers 3 -- go test ./...")
	}
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(strings.Split(servers, ",")...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestAGroupReadsEveryOrderOnce(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	producer := client(t)
	topic := fmt.Sprintf("orders-%d", time.Now().UnixNano())
	if _, err := kadm.NewClient(producer).CreateTopic(ctx, 3, 3, nil, topic); err != nil {
		t.Fatal(err)
	}
	for number := range orders {
		record := &kgo.Record{
			Topic:   topic,
			Key:     fmt.Appendf(nil, "customer-%d", number%7),
			Value:   fmt.Appendf(nil, "order %d", number),
			Headers: []kgo.RecordHeader{{Key: "source", Value: []byte("shop")}},
		}
		producer.Produce(ctx, record, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := producer.Flush(ctx); err != nil {
		t.Fatal(err)
	}

	consumer := client(t, kgo.ConsumerGroup("readers-"+topic), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	seen := map[string]bool{}
	for len(seen) < orders {
		fetches := consumer.PollFetches(ctx)
		if errs := fetches.Errors(); len(errs) > 0 {
			t.Fatal(errs)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			if seen[string(record.Value)] {
				t.Errorf("%s came twice", record.Value)
			}
			seen[string(record.Value)] = true
			if len(record.Headers) != 1 || string(record.Headers[0].Value) != "shop" {
				t.Errorf("%s has the headers %v", record.Value, record.Headers)
			}
		})
	}
	if err := consumer.CommitUncommittedOffsets(ctx); err != nil {
		t.Fatal(err)
	}
	lag, err := kadm.NewClient(producer).Lag(ctx, "readers-"+topic)
	if err != nil {
		t.Fatal(err)
	}
	if total := lag["readers-"+topic].Lag.Total(); total != 0 {
		t.Errorf("the group lags %d records behind", total)
	}
}
