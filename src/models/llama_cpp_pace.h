// How many threads are worth it at this moment. llama.cpp's threads wait for each other several hundred times per
// call, spinning; when another process has taken one of the cores, each wait lasts a time slice of the scheduler, and
// two threads are ten times slower than one. So it starts with one thread, doubles while the process gets the cores it
// asks for, and halves when it does not. What is computed does not depend on the number of threads.
#ifndef REDRAFT_MODELS_LLAMA_CPP_PACE_H_
#define REDRAFT_MODELS_LLAMA_CPP_PACE_H_

#include <algorithm>

namespace redraft {

class Pace {
 public:
  Pace(int most, bool fixed) : most_(most), threads_(fixed ? most : 1), fixed_(fixed) {}
  int threads() const { return threads_; }

  // After each call: how long it took, and how much processor time the process had meanwhile, in seconds.
  void spent(double wall, double cpu) {
    wall_ += wall;
    cpu_ += cpu;
    if (fixed_ || wall_ < kWindow) return;
    const double share = cpu_ / (wall_ * threads_);
    calm_ = share > kCalm ? calm_ + wall_ : 0;
    wall_ = cpu_ = 0;
    if (share < kBusy && threads_ > 1) {
      threads_ /= 2;
      patience_ = std::clamp(2 * patience_, kFirstPatience, kLastPatience);
    } else if (threads_ < most_ && calm_ >= patience_) {
      threads_ = std::min(most_, 2 * threads_);
      calm_ = 0;
    }
  }

 private:
  static constexpr double kWindow = 0.05, kCalm = 0.9, kBusy = 0.75, kFirstPatience = 1, kLastPatience = 30;
  int most_, threads_;
  bool fixed_;
  double wall_ = 0, cpu_ = 0, calm_ = 0;
  double patience_ = 0;  // calm seconds before more threads are tried; longer after each time they were too many
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_LLAMA_CPP_PACE_H_
