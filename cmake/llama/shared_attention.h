// See shared_attention.cc, which takes the place of ggml's attention on the CPU.
#ifndef REDRAFT_SHARED_ATTENTION_H_
#define REDRAFT_SHARED_ATTENTION_H_

// Whether it ever left a call of this process to ggml's own. Thread-safe.
bool shared_attention_left_some_to_ggml();

#endif  // REDRAFT_SHARED_ATTENTION_H_
