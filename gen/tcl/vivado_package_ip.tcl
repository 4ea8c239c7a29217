# SPDX-License-Identifier: MIT-0
# Packages the circuit for Vivado's IP catalogue: its streams, clock aclk, reset aresetn.
#
#   vivado -mode batch -source vivado/package_ip.tcl -tclargs PART [DIR]
#
# PART: any that the Vivado at hand knows; DIR: where the IP goes, default vivado-ip. Sources and
# memory images are copied into DIR, which can be moved: the images are found by their bare names. Two
# circuits with images in one design take each other's: give all but one --rom-style case.
set root [file dirname [file dirname [file normalize [info script]]]]
source [file join $root files.tcl]

if {[llength $argv] < 1 || [llength $argv] > 2} {
  error "which part? -tclargs PART \[DIR\]"
}
set part [lindex $argv 0]
set dir [file normalize [expr {[llength $argv] > 1 ? [lindex $argv 1] : "vivado-ip"}]]

create_project package_$circuit [file join $dir project] -part $part -force
foreach file $sources {
  add_files -norecurse -fileset sources_1 [file join $root $file]
}
foreach file $memories {
  add_files -norecurse -fileset sources_1 [file join $root $file]
  set_property file_type {Memory Initialization Files} [get_files [file join $root $file]]
}
set_property top $circuit [get_filesets sources_1]
update_compile_order -fileset sources_1

ipx::package_project -root_dir $dir -vendor user.org -library user -taxonomy /UserIP \
  -import_files -force
set core [ipx::current_core]
set_property name $circuit $core
set_property version [join [lrange [split $version .] 0 1] .] $core
set_property display_name $circuit $core
set_property description "Neural network, AXI4-Stream in and out" $core
# plain logic: every family that this Vivado has
set families {}
foreach family [lsort -unique [get_property C_FAMILY [get_parts]]] {
  lappend families $family Production
}
set_property supported_families $families $core
foreach stream [concat [dict keys $inputs] [dict keys $outputs]] {
  if {[llength [ipx::get_bus_interfaces $stream -of_objects $core]] != 1} {
    error "$circuit: no interface $stream was found"
  }
  ipx::associate_bus_interfaces -busif $stream -clock aclk $core
}
if {[llength $memories] > 0} {
  foreach parameter [list [ipx::get_user_parameters ROM_DIR -of_objects $core] \
                       [ipx::get_hdl_parameters ROM_DIR -of_objects $core]] {
    set_property value . $parameter
  }
}
set_property core_revision 1 $core
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity $core
ipx::save_core $core
close_project
