// Around a loop that only posts, and puts, to many peers.
#pragma once

#include <tutti/error.hpp>
#include <tutti/transport.hpp>

namespace tutti {

// ControlWindow::begin_posts(), and end_posts() also where the loop ends with an error.
template <typename Loop>
void post_together(ControlWindow& control, Loop&& loop) {
  struct Posts {
    ControlWindow& control;
    bool ended = false;
    explicit Posts(ControlWindow& its) : control(its) { control.begin_posts(); }
    void end() {
      ended = true;
      control.end_posts();
    }
    ~Posts() {
      if (ended) return;
      try {
        control.end_posts();
      } catch (const Error&) {
        return;  // the loop's own error is on its way
      }
    }
  } posts(control);
  loop();
  posts.end();
}

}  // namespace tutti
