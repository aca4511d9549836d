// gocv has no call for OpenCV's log level. The one function is declared here, so that this file needs no OpenCV headers.
namespace cv { namespace utils { namespace logging {
enum LogLevel : int;
LogLevel setLogLevel(LogLevel logLevel);
}}}

extern "C" void passfail_opencv_log_level(int level) {
    cv::utils::logging::setLogLevel(static_cast<cv::utils::logging::LogLevel>(level));
}
