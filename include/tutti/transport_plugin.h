// For who has a network that Tutti does not know: the C interface of a transport plugin.
//
// A plugin is a shared library that carries messages between processes: reliable datagrams, to any
// endpoint, in any order. Tutti builds its transport on them - memory, order, who is there and who
// has died - exactly as it does on libfabric. `TUTTI_TRANSPORT_PLUGIN=libfoo.so` loads it;
// docs/environment.md, "Behaviour", says when it is used. examples/08_transport_plugin is a whole
// one, and `tutti-plugin-check libfoo.so` tells whether yours does what this page asks.
//
// Conventions, for every function of the table:
//   - Nothing throws, and nothing ends the process. What fails says so by an errno: 0 is success.
//   - Sizes are in bytes. Pointers are not NULL, except where this page says so.
//   - Thread safety is said of each function. "Any thread": several at once too, also while others
//     are in other functions of the same network.
//   - A network is used until shut(), and then only unregister_memory() and close() are called.
//   - After a fork() the child leaves the parent's networks alone, and may open its own. So
//     descriptors should be close-on-exec, and a thread of the plugin is not the child's.
//   - The library stays loaded until the process ends. The last close() may be called by exit():
//     objects with destructors that open() makes must belong to the network, not be static in a
//     function.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The version of this page. A host says which one it speaks; a plugin, which ones it understands.
// It grows when something is added or changed; the first three fields of tuttiTransportPlugin_t
// and of tuttiPluginHost_t stay as they are in all versions.
#define TUTTI_TRANSPORT_PLUGIN_VERSION 1

// ---- What Tutti gives ---------------------------------------------------------------------------

typedef enum {
  tuttiPluginWarning = 0,  // shown by default: something is wrong
  tuttiPluginInfo = 1,     // with TUTTI_DEBUG=INFO: what was chosen, and why
  tuttiPluginTrace = 2     // with TUTTI_DEBUG=TRACE: anything, but not in each message
} tuttiPluginLogLevel_t;

// Lives as long as the process.
typedef struct {
  size_t size;               // sizeof(tuttiPluginHost_t) in the host
  uint32_t version;          // of this page, as the host speaks it
  uint32_t library_version;  // TUTTI_VERSION_CODE of tutti.h, for messages
  // A line of Tutti's log, copied; without a newline at its end. Any thread, at any time.
  void (*log)(tuttiPluginLogLevel_t level, const char* text);
} tuttiPluginHost_t;

// ---- What travels -------------------------------------------------------------------------------

// An opened network, with one endpoint: the plugin's own. Made by open(), freed by close().
typedef struct tuttiPluginNetwork tuttiPluginNetwork_t;

// Registered memory: the plugin's own. Made by register_memory(), freed by unregister_memory().
typedef struct tuttiPluginRegion tuttiPluginRegion_t;

#define TUTTI_PLUGIN_LEAST_MESSAGE_BYTES 256
#define TUTTI_PLUGIN_MOST_ADDRESS_BYTES 256

// What open() says of its endpoint. It does not change afterwards.
typedef struct {
  size_t size;           // set by the host: sizeof(tuttiPluginEndpoint_t)
  size_t message_bytes;  // of the longest message; at least TUTTI_PLUGIN_LEAST_MESSAGE_BYTES. Tutti
                         // sends no more than 16 KiB in one
  // With TUTTI_PLUGIN_SLEEPS: a descriptor that poll() finds readable when read() has something. It
  // stays the plugin's, which closes it in close(). Otherwise -1.
  int wait_descriptor;
  size_t address_bytes;  // 1 .. TUTTI_PLUGIN_MOST_ADDRESS_BYTES
  // Where other processes reach this endpoint: what add_peer() takes there. No two have the same.
  unsigned char address[TUTTI_PLUGIN_MOST_ADDRESS_BYTES];
} tuttiPluginEndpoint_t;

// A transfer that was begun, until its end is reported. The host owns it, tells transfers apart by
// its address, and keeps it where it is; the plugin may keep notes in it.
typedef struct {
  void* reserved[8];
} tuttiPluginOperation_t;

typedef enum {
  tuttiPluginSent = 0,      // the message will not be read any more: its memory is the host's again
  tuttiPluginReceived = 1,  // a message of `bytes` is in the place that was lent for it
  tuttiPluginFailed = 2     // it ended with `error`, and its memory is the host's again
} tuttiPluginEnd_t;

typedef struct {
  tuttiPluginOperation_t* operation;  // NULL, for a failure: nobody knows of which
  tuttiPluginEnd_t end;
  int error;     // of a failure: an errno, or a number of the plugin's own that describe_error()
                 // knows. ECONNREFUSED, ECONNRESET, EPIPE, ENOTCONN, ECONNABORTED, ESHUTDOWN, ESRCH
                 // mean that the peer is gone
  size_t bytes;  // of a message that was received; 0 is one too
} tuttiPluginCompletion_t;

// ---- What a plugin gives ------------------------------------------------------------------------

// Capability bits. A host refuses a plugin that sets one that it does not know.
//
// The wait descriptor of a network becomes readable when read() has something. Without, Tutti looks
// every 100 us while a rank sleeps.
#define TUTTI_PLUGIN_SLEEPS 1u
// What is sent, and places to receive into, must lie in registered memory.
#define TUTTI_PLUGIN_REGISTERS 2u

typedef struct {
  size_t size;                // sizeof(tuttiTransportPlugin_t), as the plugin was compiled
  uint32_t min_host_version;  // the plugin works with hosts of these versions ...
  uint32_t max_host_version;  // ... and all between
  const char* name;           // a word of 1 to 31 of a-z, 0-9, _ and -, for messages
  uint64_t capabilities;      // TUTTI_PLUGIN_SLEEPS | ...

  // Opens the network with an endpoint of its own, and fills *endpoint. A process may have several
  // networks open. Any thread. Errors: an errno; log() says what a person can do about it.
  int (*open)(tuttiPluginNetwork_t** network, tuttiPluginEndpoint_t* endpoint);

  // Frees it, after shut(). All regions have been given back. One thread, the last in the network.
  void (*close)(tuttiPluginNetwork_t* network);

  // Where a peer is, by the address that its endpoint has told; what send() is to know it by goes
  // to *peer. The peer may be this endpoint itself, and it may have been added before. Nothing need
  // be sent yet. Any thread. EINVAL: that is no address.
  int (*add_peer)(tuttiPluginNetwork_t* network, const void* address, size_t bytes, uint64_t* peer);

  // With TUTTI_PLUGIN_REGISTERS, otherwise NULL: the network may use this memory, until the region
  // is given back. Any thread. ENOMEM, say: it takes no more.
  int (*register_memory)(tuttiPluginNetwork_t* network, void* memory, size_t bytes,
                         tuttiPluginRegion_t** region);
  // Gives it back; no transfer uses it, or shut() has been called. Any thread.
  void (*unregister_memory)(tuttiPluginNetwork_t* network, tuttiPluginRegion_t* region);

  // Begins to send `message`, of 0 .. message_bytes, to `peer`. `region`: what it lies in, with
  // TUTTI_PLUGIN_REGISTERS; otherwise NULL. Does not wait. Any thread.
  //   0: begun. The message stays as it is, and `operation` where it is, until read() reports it as
  //      sent or failed - also if nobody takes it there. "Sent" promises no more than the memory.
  //   EAGAIN: queues are full; nothing has begun. After some read() it is tried again.
  //   another: nothing has begun, and a repetition at once would not help. Of a peer that is gone,
  //      this or a failed completion tells; the latter says why.
  // What was sent arrives once, whole and unchanged, as long as both endpoints live: a message that
  // is lost is reported as failed. Tutti sends what failed again for 200 ms, and lets go what came
  // twice by that. Messages may overtake each other.
  int (*send)(tuttiPluginNetwork_t* network, uint64_t peer, const void* message, size_t bytes,
              tuttiPluginRegion_t* region, tuttiPluginOperation_t* operation);

  // Lends a place for a message of up to `bytes`, of any peer. Results and `region` as in send().
  // A message that comes when no place is lent waits, in the network or with its sender. One that
  // is longer than the place that it gets fails with EMSGSIZE, and writes nothing behind the place.
  // Tutti lends 128 places of the same size. Any thread.
  int (*receive)(tuttiPluginNetwork_t* network, void* place, size_t bytes,
                 tuttiPluginRegion_t* region, tuttiPluginOperation_t* operation);

  // Moves transfers forward, without waiting, and reports up to `most` that have ended, each once.
  // Returns how many. One thread at a time, not always the same.
  size_t (*read)(tuttiPluginNetwork_t* network, tuttiPluginCompletion_t* ends, size_t most);

  // With TUTTI_PLUGIN_SLEEPS, otherwise NULL. Asked before a thread sleeps on the wait descriptor.
  // 1: it may; the descriptor becomes readable when read() has something from now on, whatever
  // thread of the process or peer caused it. 0: there is something already. The descriptor may be
  // readable for nothing now and then, and several threads may sleep on it. Any thread.
  int (*may_wait)(tuttiPluginNetwork_t* network);

  // Nothing comes or goes from now on: lent memory is the host's again when this returns, and
  // ends that were not reported never are. To its peers this endpoint is gone. One thread, while no
  // other is in the network.
  void (*shut)(tuttiPluginNetwork_t* network);

  // What an error of a completion or of open() means, for people; the text stays. NULL: all errors
  // are errnos. Any thread.
  const char* (*describe_error)(int error);
} tuttiTransportPlugin_t;

// What Tutti looks up in the library, and calls once, before anything else. The table stays as it
// is until the process ends. NULL: the plugin cannot be used here; log() says why.
__attribute__((visibility("default"))) const tuttiTransportPlugin_t* tuttiTransportPlugin(
    const tuttiPluginHost_t* host);

#ifdef __cplusplus
}
#endif
