package v4l2

import (
	"testing"
	"unsafe"
)

// The numbers are those that a C program prints with <linux/videodev2.h> on a 64-bit machine.
func TestKernelABI(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the numbers are those of 64-bit machines")
	}
	for _, test := range []struct {
		name      string
		got, want uintptr
	}{
		{"sizeof v4l2_capability", unsafe.Sizeof(capability{}), 104},
		{"sizeof v4l2_fmtdesc", unsafe.Sizeof(fmtdesc{}), 64},
		{"sizeof v4l2_frmsizeenum", unsafe.Sizeof(frmsizeenum{}), 44},
		{"sizeof v4l2_frmivalenum", unsafe.Sizeof(frmivalenum{}), 52},
		{"sizeof v4l2_format", unsafe.Sizeof(format{}), 208},
		{"sizeof v4l2_query_ext_ctrl", unsafe.Sizeof(queryExtCtrl{}), 232},
		{"sizeof v4l2_querymenu", unsafe.Sizeof(querymenu{}), 44},
		{"sizeof v4l2_ext_control", unsafe.Sizeof(extControl{}), 20},
		{"sizeof v4l2_ext_controls", unsafe.Sizeof(extControls{}), 32},

		{"v4l2_capability.device_caps", unsafe.Offsetof(capability{}.deviceCaps), 88},
		{"v4l2_fmtdesc.pixelformat", unsafe.Offsetof(fmtdesc{}.pixelformat), 44},
		{"v4l2_frmsizeenum.discrete", unsafe.Offsetof(frmsizeenum{}.size), 12},
		{"v4l2_frmivalenum.discrete", unsafe.Offsetof(frmivalenum{}.interval), 20},
		{"v4l2_format.fmt", unsafe.Offsetof(format{}.fmt), 8},
		{"v4l2_query_ext_ctrl.flags", unsafe.Offsetof(queryExtCtrl{}.flags), 72},
		{"v4l2_query_ext_ctrl.nr_of_dims", unsafe.Offsetof(queryExtCtrl{}.nrOfDims), 84},
		{"v4l2_querymenu.name", unsafe.Offsetof(querymenu{}.name), 8},
		{"v4l2_ext_control.value", unsafe.Offsetof(extControl{}.value), 12},
		{"v4l2_ext_controls.controls", unsafe.Offsetof(extControls{}.controls), 24},

		{"VIDIOC_QUERYCAP", vidiocQuerycap, 0x80685600},
		{"VIDIOC_ENUM_FMT", vidiocEnumFmt, 0xc0405602},
		{"VIDIOC_G_FMT", vidiocGFmt, 0xc0d05604},
		{"VIDIOC_QUERYMENU", vidiocQuerymenu, 0xc02c5625},
		{"VIDIOC_G_EXT_CTRLS", vidiocGExtCtrls, 0xc0205647},
		{"VIDIOC_S_EXT_CTRLS", vidiocSExtCtrls, 0xc0205648},
		{"VIDIOC_ENUM_FRAMESIZES", vidiocEnumFramesizes, 0xc02c564a},
		{"VIDIOC_ENUM_FRAMEINTERVALS", vidiocEnumFrameintervals, 0xc034564b},
		{"VIDIOC_QUERY_EXT_CTRL", vidiocQueryExtCtrl, 0xc0e85667},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %#x, want %#x", test.name, test.got, test.want)
		}
	}
}
