// A printer that registers itself, and stays so over restarts of the server, until Ctrl-C: register [HOST:PORT]
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/types/known/durationpb"
	pb "scoutlight/discovery/v1"
)

const ttl = 10 * time.Second // Without a heartbeat for so long, it goes.

var printer = &pb.Registration{
	Service:    "Printer",
	Id:         "laser",
	Properties: map[string]string{"hostname": "127.0.0.1", "port": "8001", "protocol": "http"},
}

// tell says on one stream what is wanted, until `leaves` or the stream ends. What goes wrong is the receiver's to see.
func tell(stream pb.RegistrationService_SessionClient, id string, leaves context.Context) {
	open := &pb.SessionRequest_Open{SessionId: id, Ttl: durationpb.New(ttl)}
	declare := &pb.SessionRequest_Declare{Set: []*pb.Registration{printer}}
	stream.Send(&pb.SessionRequest{Step: &pb.SessionRequest_Open_{Open: open}})
	stream.Send(&pb.SessionRequest{Step: &pb.SessionRequest_Declare_{Declare: declare}})
	beats := time.NewTicker(ttl / 3)
	defer beats.Stop()
	for {
		select {
		case <-beats.C:
			stream.Send(&pb.SessionRequest{Step: &pb.SessionRequest_Heartbeat_{Heartbeat: &pb.SessionRequest_Heartbeat{}}})
		case <-leaves.Done():
			stream.Send(&pb.SessionRequest{Step: &pb.SessionRequest_Leave_{Leave: &pb.SessionRequest_Leave{}}})
			return
		case <-stream.Context().Done():
			return
		}
	}
}

// session keeps the printer registered while its one stream lasts; io.EOF: it has left.
func session(registration pb.RegistrationServiceClient, id string, leaves context.Context) error {
	stream, err := registration.Session(context.Background())
	if err != nil {
		return err
	}
	go tell(stream, id, leaves)
	for {
		answer, err := stream.Recv()
		if err != nil {
			return err
		}
		for _, state := range answer.GetInstances().GetStates() {
			fmt.Println(strings.TrimSpace(fmt.Sprint(state.Name.Id, " ", state.State, " ", state.Message)))
		}
	}
}

// newSessionID draws an id that nobody else knows.
func newSessionID() string {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		log.Fatal(err)
	}
	return hex.EncodeToString(id)
}

func main() {
	server := append(os.Args, "127.0.0.1:7400")[1]
	// Pings show that a server has gone without a word.
	pings := grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10500 * time.Millisecond, Timeout: 3 * time.Second})
	connection, err := grpc.Dial(server, grpc.WithTransportCredentials(insecure.NewCredentials()), pings)
	if err != nil {
		log.Fatal(err)
	}
	leaves, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	id := newSessionID() // The same on every stream: the server knows whose printer it is.
	for leaves.Err() == nil {
		err := session(pb.NewRegistrationServiceClient(connection), id, leaves)
		if errors.Is(err, io.EOF) {
			return
		}
		log.Print(err)
		select {
		case <-leaves.Done():
		case <-time.After(time.Second):
		}
	}
}
