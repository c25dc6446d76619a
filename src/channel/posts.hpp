// ControlWindow::begin_posts(), and end_posts() also where an error comes between them.
#pragma once

#include <tutti/error.hpp>
#include <tutti/transport.hpp>

namespace tutti {

class Posts {
 public:
  // `control` outlives it.
  explicit Posts(ControlWindow& control) : control_(control) { control.begin_posts(); }
  ~Posts() {
    if (ended_) return;
    try {
      control_.end_posts();
    } catch (const Error&) {
      return;  // that of the posts is on its way
    }
  }
  Posts(const Posts&) = delete;
  Posts& operator=(const Posts&) = delete;

  void end() {
    ended_ = true;
    control_.end_posts();
  }

 private:
  ControlWindow& control_;
  bool ended_ = false;
};

}  // namespace tutti
